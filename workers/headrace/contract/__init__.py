"""The wire, written once: what server, worker and command line say to each other over HTTP and SQS.

Names and fields are Prefect 3's where the concept is the same. Requests refuse unknown members, so
that a misspelt field is told rather than ignored; answers may gain members without breaking a client.
"""
