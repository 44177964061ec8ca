"""The child process: loads one flow, runs it once, and speaks only to its parent. Standard library only."""
