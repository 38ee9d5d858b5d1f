"""PySide's constructors take properties and signals as keywords, which its stubs leave out: a mypy plugin adds them.

`QLabel("a", wordWrap=True)` is `setWordWrap(True)`, and is checked as such. Only keywords that a call uses are added.
Source: the signature hooks of https://mypy.readthedocs.io/en/stable/extending_mypy.html.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.nodes import ARG_NAMED_OPT, CallExpr, FuncBase, TypeInfo, Var
from mypy.plugin import FunctionSigContext, Plugin
from mypy.types import AnyType, CallableType, Instance, Overloaded, Type, TypeOfAny, UnionType, get_proper_type

SETTER_ARGUMENTS = 2  # self and the value


class PysideProperties(Plugin):
    """For Qt's own classes below QObject; classes of ours say what they take."""

    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], CallableType] | None:
        if not fullname.startswith("PySide6."):
            return None
        found = self.lookup_fully_qualified(fullname)
        is_object = found and isinstance(found.node, TypeInfo) and found.node.has_base("PySide6.QtCore.QObject")
        return with_properties if is_object else None


def with_properties(context: FunctionSigContext) -> CallableType:
    """The constructor's signature with those keywords of this call that are properties or signals of the class."""
    signature, call, made = context.default_signature, context.context, context.default_signature.ret_type
    made = get_proper_type(made)
    if not isinstance(call, CallExpr) or not isinstance(made, Instance):
        return signature
    given = [name for name in call.arg_names if name is not None and name not in signature.arg_names]
    known = {name: kind for name in given if (kind := _kind(made.type, name)) is not None}
    return signature.copy_modified(
        arg_types=[*signature.arg_types, *known.values()],
        arg_kinds=[*signature.arg_kinds, *(ARG_NAMED_OPT for _ in known)],
        arg_names=[*signature.arg_names, *known],
    )


def _kind(owner: TypeInfo, name: str) -> Type | None:
    """What the property takes, anything for a signal; None if the class has neither."""
    signal = owner.get(name)
    if signal is not None and isinstance(signal.node, Var):
        kind = get_proper_type(signal.node.type)
        if isinstance(kind, Instance) and kind.type.name == "Signal":
            return AnyType(TypeOfAny.explicit)
    setter = owner.get(f"set{name[0].upper()}{name[1:]}")
    if setter is None or not isinstance(setter.node, FuncBase):
        return None
    kind = get_proper_type(setter.node.type)
    variants = kind.items if isinstance(kind, Overloaded) else [kind]
    taken = [one.arg_types[1] for one in variants if isinstance(one, CallableType) and _takes_one_value(one)]
    return UnionType.make_union(taken) if taken else None


def _takes_one_value(setter: CallableType) -> bool:
    return len(setter.arg_types) >= SETTER_ARGUMENTS and setter.min_args <= SETTER_ARGUMENTS


def plugin(version: str) -> type[Plugin]:
    """Mypy asks for it by this name."""
    return PysideProperties
