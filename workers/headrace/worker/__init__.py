"""The worker: takes flow runs of one pool and runs each as a subprocess.

One file per duty. `main` checks and starts; `loop` wires everything together and owns all state, in one
thread with a mailbox; `registration` opens the session or takes over a living keeper; `dialogue` decides
when to sync and what a sync's answer or failure means; `courier` sends it; `inbox` waits at SQS;
`supervisor` decides on the life of each run; `prepare` and `sources` turn a grant into a command;
`keeper` (a process of its own) runs it; `outcome` says how it ended; `outbox` and `journal` hold what is
still to be told; `lease` knows until when the runs are ours; `console` talks to people.
"""
