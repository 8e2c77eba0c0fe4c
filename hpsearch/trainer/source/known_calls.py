"""Names of Python and of libraries with a known effect on the parameters that they receive."""

UNDECIDABLE = {"locals", "globals", "eval", "exec", "inspect", "__import__"}
"""Names with which code may read any variable."""

CONTAINERS = {"dict", "SimpleNamespace", "Namespace", "OrderedDict", "ChainMap", "MappingProxyType", "UserDict"} | {
    *("AttrDict", "AttributeDict", "Box", "ConfigDict", "DictConfig", "DotMap", "EasyDict", "Munch"),
    *("edict", "munchify"),
}
"""Classes and functions whose result holds what they are called with, as items or as attributes."""

COPIES = {"asdict", "copy", "create", "deepcopy", "merge", "replace", "structured", "to_container", "vars"}
"""Functions whose result has the items or attributes of their arguments."""

OWNERS = {
    **{name: {"OmegaConf"} for name in ("create", "merge", "structured", "to_container")},
    **{name: {"OmegaConf", "json", "toml", "tomllib", "torch", "yaml"} for name in ("load", "loads")},
    **{name: {"attr", "attrs", "copy", "dataclasses"} for name in ("asdict", "copy", "deepcopy", "replace")},
}
"""The modules and classes of functions whose names are common."""

COPYING_METHODS = {"_asdict", "copy", "dict", "model_dump", "to_dict", "todict"}
LOOKUPS = {"get", "pop", "setdefault"}
CHECKS = {"bool", "isinstance", "issubclass", "len", "pprint", "print", "type"}
"""Functions that read no single parameter."""

LOGGING = {"debug", "info", "warning", "error", "log_params", "log_hyperparams"}
NEW_OBJECTS = {"fromkeys", "parse_args", "safe_load"}
"""Functions that return a new dictionary or namespace."""

HARMLESS_DECORATORS = {"staticmethod", "classmethod", "property", "cached_property", "dataclass", "no_grad"} | {
    *("contextmanager", "lru_cache", "cache", "wraps", "inference_mode"),
}
