"""Variables."""

from __future__ import annotations

from headrace.client.resource import Page, Resource, at
from headrace.contract.variables import Variable, VariableCreate, VariableList, VariableUpdate


class Variables(Resource):
    """`/variables`."""

    def create(self, body: VariableCreate) -> Variable:
        """Make one, or find it if it is there just so."""
        made: Variable = self._post(Variable, "/variables/", body, safe=True)
        return made

    def read(self, name: str) -> Variable:
        """One variable, by name."""
        return self._get(Variable, at("variables", "name", name))

    def list(self, request: VariableList | None = None) -> Page[Variable]:
        """A page of variables."""
        return self._page(Variable, "/variables/filter", request or VariableList())

    def update(self, name: str, body: VariableUpdate) -> None:
        """Change the members given."""
        self._patch(at("variables", "name", name), body)

    def delete(self, name: str) -> None:
        """Delete one."""
        self._delete(at("variables", "name", name))
