"""Parameters of a flow: their JSON Schema, and the way from JSON values to what the type hints ask for.

Standard library only. pydantic is used for hints that are pydantic's, thus only where the flow's own code
has imported it.
"""
