"""Options per component, as tests of the optimizer give them."""


def groups(params, **lists):
    """A parameter group for each parameter, with its own entry of each list."""
    return [
        {"params": [p], **{name: values[i] for name, values in lists.items()}}
        for i, p in enumerate(params)
    ]
