"""Modules about the spec import each other one way only, for types as well."""

import grimp
import pytest


@pytest.mark.parametrize("package", ["deployments.domain.spec", "deployments.forms.spec"])
def test_no_module_reaches_itself(package: str) -> None:
    graph = grimp.build_graph("deployments", exclude_type_checking_imports=False, cache_dir=None)
    modules = [name for name in graph.modules if name.startswith(f"{package}.")]
    assert len(modules) > 4
    circles = [
        (one, other)
        for one in modules
        for other in graph.find_modules_directly_imported_by(one)
        if other in modules and (other == one or graph.chain_exists(importer=other, imported=one))
    ]
    assert circles == []
