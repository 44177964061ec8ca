"""`headrace cloud`, beside the commands themselves: the door to what deploys, and what is kept of a stage here."""
