"""The keeper: a small second process of each worker that starts the children and outlives it.

It holds the children's pipes, keeps what they say until the worker has delivered it, and ends them when
their time, their worker's lease or a command says so. If the worker dies, the keeper waits until the
lease's deadline for one of the same name to take over. Standard library only, one thread.

The two speak newline-delimited JSON over a local socket. From the worker, by `op`:

- `hello` {token, on_disconnect}: first line; answered by `welcome` {session, sync_seq, runs, guards}.
- `session` {data}: what a later worker of this name needs in order to go on.
- `sent` {seq, logs: [[run, attempt, first, last]]}: the sync of this number is about to be sent with these
  log records; if the worker dies now, the next one must cut the same batches.
- `lease` {deadline, term_at}: on the clock of `clock.boottime`; at `term_at` children are asked to end, at
  `deadline` they are killed.
- `guard` {marks}: all attempts (`<run>:<attempt>`) whose code the worker makes ready; what they started is killed
  (Linux) at `term_at`, and when the worker is gone.
- `start` {run, attempt, argv, env, cwd, spec, timeout, grace, limits, start_method, preload, redact, notes, meta};
  `notes` are lines that the run's log begins with.
- `kill` {run, attempt, why, grace}
- `ack` {run, attempt, states, logs}: delivered up to these numbers.
- `answer` {run, attempt, id, body}: to what the run's child asked; the body holds `value` or `error`.
- `exit` {grace}: end everything and leave.

To the worker, by `t`: `welcome`, `refused`, `state` {run, attempt, seq, e, more},
`logs` {run, attempt, first, records, more} and `ask` {run, attempt, e: {id, what, ...}}, which is told again to
a worker that comes before it is answered. `more`: further records of that run's log wait for the acknowledgement of
those that were handed out. The states of a run are `spawned` {pid, how: zygote | spawn}, what its child says
(`started`, `receipt`), and at last `exited`, sent when the whole process group and all found descendants are gone;
`said_before` tells whether its receipt was there before it was told to end.

If the keeper itself is killed, its children die with it on Linux (PR_SET_PDEATHSIG), and its worker ends
what they had started. Elsewhere the worker ends their process groups; if that is dead, too, a child learns
of it by its broken pipes.
"""
