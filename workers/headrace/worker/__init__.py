"""The worker: takes flow runs of one pool and runs each as a subprocess.

One file per duty. `main` checks and starts; `loop` wires everything together and owns all state, in one
thread with a mailbox of `events`. With the control plane: `dialogue` decides when to sync (by `timing`) and
what to say; `courier` sends it; `answers` does what comes back, sessions opened and lost included; `lease`
knows until when the runs are ours; `inbox` waits at SQS and `chores` delete its messages; `requests` answers
what a run's code asks. With the runs: `hands` has those that are `held`; `supervisor` decides on the life of
each, in `decisions`; `prepare` and `sources` turn a grant into a command; `outcome` says how a run ended.
With the keeper (a process of its own, which starts them): `keeper_client` finds or starts it; `keeping` does
what its words and its death ask for; `burial` clears up after it. What is still to be told is in `outbox`
and `journal`; `state` is the folder on disk; `console` talks to people; `goodbye` is the clean end.
"""
