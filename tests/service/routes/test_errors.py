from tests.service.running import LiveApp


def test_the_type_of_every_problem_leads_to_its_meaning(shop: LiveApp) -> None:
    meanings = shop.get("/errors").json()
    for response in (
        shop.post("search", {"item_ids": ["nobody"]}),
        shop.post("search", {}),
        shop.post("search", {"item_ids": ["i"]}, collection="nowhere"),
        shop.post("activate", {"version": "v1"}),
    ):
        problem = response.json()
        page, _, code = problem["type"].partition("#")
        assert (page, code) == ("/errors", problem["code"])
        assert (meanings[code]["status"], meanings[code]["title"]) == (problem["status"], problem["title"])
    assert all(meaning["meaning"].endswith(".") for meaning in meanings.values())


def test_errors_of_training_are_not_among_them(shop: LiveApp) -> None:
    import training.errors  # noqa: F401  once imported it stands in the tree of errors

    assert "diverged" not in shop.get("/errors").json()
