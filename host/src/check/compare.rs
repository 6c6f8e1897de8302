//! Types of a component against types of the contract.
//!
//! Both are walked together, so the contract's size bounds the work, however large a type
//! of the component is.

use std::collections::HashMap;

use wasmparser::PrimitiveValType;
use wasmparser::component_types::{
    AliasableResourceId, ComponentDefinedType, ComponentDefinedTypeId, ComponentFuncType, ComponentValType, ResourceId,
};
use wasmparser::types::TypesRef;
use wit_parser::{Function, Handle, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner};

/// Interface without version, and the name in it.
pub(super) type Name = (String, String);

/// Where both differ first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Steps from the outside in: a parameter or `result`, fields, cases.
    pub(super) path: Vec<String>,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Difference {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Box<Self> {
        Box::new(Self { path: Vec::new(), expected: expected.into(), found: found.into() })
    }

    /// The path in one word, such as `result.err.message`.
    pub(super) fn place(&self) -> String {
        self.path.iter().rev().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

pub(super) type Compared = Result<(), Box<Difference>>;

trait At {
    fn at(self, step: &str) -> Self;
}

impl At for Compared {
    fn at(self, step: &str) -> Self {
        self.map_err(|mut difference| {
            difference.path.push(step.to_owned());
            difference
        })
    }
}

/// Everything needed to compare and to name types.
pub(super) struct Types<'a> {
    pub(super) resolve: &'a Resolve,
    pub(super) found: TypesRef<'a>,
    /// Where the component's resources come from.
    pub(super) resources: HashMap<ResourceId, Name>,
    /// Named types of the interfaces it imports; each is compared where it is imported.
    pub(super) names: HashMap<ComponentDefinedTypeId, Name>,
}

/// The contract's type behind its aliases.
enum Expected<'a> {
    Primitive(Type),
    Defined(&'a TypeDef),
}

/// The component's type behind its indirections.
enum Found<'a> {
    Primitive(PrimitiveValType),
    Defined(&'a ComponentDefinedType),
    Nothing,
}

impl Types<'_> {
    pub(super) fn function(&self, expected: &Function, found: &ComponentFuncType) -> Compared {
        if found.async_ {
            return Err(Difference::new("a function", "an async function"));
        }
        let names = |name: &str| found.params.iter().any(|(found, _)| found.as_str() == name);
        let same_names = expected.params.len() == found.params.len()
            && expected.params.iter().zip(&found.params).all(|(a, (b, _))| a.name == b.as_str());
        if !same_names {
            let absent = expected.params.iter().find(|param| !names(&param.name));
            let which = absent.map_or_else(String::new, |param| param.name.clone());
            return Err(Difference::new(which, "other parameters"));
        }
        for (param, (_, ty)) in expected.params.iter().zip(&found.params) {
            self.value(&param.ty, *ty).at(&param.name)?;
        }
        self.optional(expected.result.as_ref(), found.result).at("result")
    }

    /// A named type that an interface exports, against the contract's of the same name.
    pub(super) fn named(&self, expected: TypeId, found: ComponentDefinedTypeId) -> Compared {
        let mut origin = found;
        while let Some(next) = self.found.peel_alias(origin) {
            origin = next;
            if self.same_name(&Type::Id(expected), origin) {
                return Ok(());
            }
        }
        self.structure(&Type::Id(expected), ComponentValType::Type(found))
    }

    fn value(&self, expected: &Type, found: ComponentValType) -> Compared {
        if let ComponentValType::Type(id) = found
            && self.same_name(expected, id)
        {
            return Ok(());
        }
        self.structure(expected, found)
    }

    fn optional(&self, expected: Option<&Type>, found: Option<ComponentValType>) -> Compared {
        match (expected, found) {
            (None, None) => Ok(()),
            (Some(expected), Some(found)) => self.value(expected, found),
            (None, Some(found)) => Err(Difference::new("nothing", self.found_words(found))),
            (Some(expected), None) => Err(Difference::new(self.expected_words(expected), "nothing")),
        }
    }

    // sound because a type is in `names` only when its own definition is compared as well
    fn same_name(&self, expected: &Type, found: ComponentDefinedTypeId) -> bool {
        let mut expected = *expected;
        loop {
            let Type::Id(id) = expected else { return false };
            if self.expected_name(id).is_some_and(|name| self.names.get(&found) == Some(&name)) {
                return true;
            }
            match self.resolve.types.get(id).map(|ty| &ty.kind) {
                Some(TypeDefKind::Type(inner)) => expected = *inner,
                _ => return false,
            }
        }
    }

    pub(super) fn expected_name(&self, id: TypeId) -> Option<Name> {
        let ty = self.resolve.types.get(id)?;
        let TypeOwner::Interface(owner) = ty.owner else {
            return None;
        };
        let interface = self.resolve.interfaces.get(owner)?;
        let package = &self.resolve.packages.get(interface.package?)?.name;
        let interface = format!("{}:{}/{}", package.namespace, package.name, interface.name.as_ref()?);
        Some((interface, ty.name.clone()?))
    }

    /// The resource an alias leads to, by name.
    pub(super) fn expected_resource(&self, mut id: TypeId) -> Option<Name> {
        while let TypeDefKind::Type(Type::Id(inner)) = self.resolve.types.get(id)?.kind {
            id = inner;
        }
        self.expected_name(id)
    }

    fn expected(&self, ty: &Type) -> Option<Expected<'_>> {
        let mut ty = *ty;
        loop {
            let Type::Id(id) = ty else {
                return Some(Expected::Primitive(ty));
            };
            let definition = self.resolve.types.get(id)?;
            match definition.kind {
                TypeDefKind::Type(inner) => ty = inner,
                _ => return Some(Expected::Defined(definition)),
            }
        }
    }

    fn found(&self, ty: ComponentValType) -> Found<'_> {
        match ty {
            ComponentValType::Primitive(primitive) => Found::Primitive(primitive),
            ComponentValType::Type(id) => match self.found.get(id) {
                Some(ComponentDefinedType::Primitive(primitive)) => Found::Primitive(*primitive),
                Some(defined) => Found::Defined(defined),
                None => Found::Nothing,
            },
        }
    }

    fn structure(&self, expected: &Type, found: ComponentValType) -> Compared {
        let differ = || Err(Difference::new(self.expected_words(expected), self.found_words(found)));
        match (self.expected(expected), self.found(found)) {
            (Some(Expected::Primitive(a)), Found::Primitive(b)) if same_primitive(a, b) => Ok(()),
            (Some(Expected::Defined(a)), Found::Defined(b)) => match self.defined(&a.kind, b) {
                Some(compared) => compared,
                None => differ(),
            },
            _ => differ(),
        }
    }

    /// `None` when the two are not even of the same kind.
    fn defined(&self, expected: &TypeDefKind, found: &ComponentDefinedType) -> Option<Compared> {
        use ComponentDefinedType as F;
        use TypeDefKind as E;
        Some(match (expected, found) {
            (E::Record(a), F::Record(b)) => {
                let a: Vec<_> = a.fields.iter().map(|field| (field.name.as_str(), Some(&field.ty))).collect();
                let b: Vec<_> = b.fields.iter().map(|(name, ty)| (name.as_str(), Some(*ty))).collect();
                self.members("field", &a, &b)
            }
            (E::Variant(a), F::Variant(b)) => {
                let a: Vec<_> = a.cases.iter().map(|case| (case.name.as_str(), case.ty.as_ref())).collect();
                let b: Vec<_> = b.cases.iter().map(|(name, case)| (name.as_str(), case.ty)).collect();
                self.members("case", &a, &b)
            }
            (E::Enum(a), F::Enum(b)) => {
                let a: Vec<_> = a.cases.iter().map(|case| (case.name.as_str(), None)).collect();
                self.members("case", &a, &b.iter().map(|name| (name.as_str(), None)).collect::<Vec<_>>())
            }
            (E::Flags(a), F::Flags(b)) => {
                let a: Vec<_> = a.flags.iter().map(|flag| (flag.name.as_str(), None)).collect();
                self.members("flag", &a, &b.iter().map(|name| (name.as_str(), None)).collect::<Vec<_>>())
            }
            (E::Tuple(a), F::Tuple(b)) if a.types.len() == b.types.len() => {
                let mut pairs = a.types.iter().zip(&b.types).enumerate();
                pairs.try_for_each(|(index, (a, b))| self.value(a, *b).at(&index.to_string()))
            }
            (E::List(a), F::List { element, .. }) => self.value(a, *element).at("[]"),
            (E::Option(a), F::Option { ty, .. }) => self.value(a, *ty).at("some"),
            (E::Result(a), F::Result { ok, err, .. }) => {
                self.optional(a.ok.as_ref(), *ok).at("ok").and_then(|()| self.optional(a.err.as_ref(), *err).at("err"))
            }
            (E::Handle(Handle::Own(a)), F::Own(b)) | (E::Handle(Handle::Borrow(a)), F::Borrow(b)) => {
                self.resource(*a, *b)?
            }
            _ => return None,
        })
    }

    fn resource(&self, expected: TypeId, found: AliasableResourceId) -> Option<Compared> {
        let same = self.resources.get(&found.resource()) == self.expected_resource(expected).as_ref();
        same.then_some(Ok(()))
    }

    fn members(
        &self,
        what: &str,
        expected: &[(&str, Option<&Type>)],
        found: &[(&str, Option<ComponentValType>)],
    ) -> Compared {
        for (index, (name, ty)) in expected.iter().enumerate() {
            match found.get(index) {
                Some((same, found)) if same == name => self.optional(*ty, *found).at(name)?,
                Some((other, _)) if found.iter().any(|(found, _)| found == name) => {
                    if expected.iter().all(|(expected, _)| expected != other) {
                        return Err(Difference::new("nothing", format!("a {what}"))).at(other);
                    }
                    let place = format!("{what} {}", index + 1);
                    return Err(Difference::new(format!("`{name}`"), format!("`{other}`"))).at(&place);
                }
                _ => return Err(Difference::new(format!("a {what}"), "nothing")).at(name),
            }
        }
        match found.get(expected.len()) {
            Some((extra, _)) => Err(Difference::new("nothing", format!("a {what}"))).at(extra),
            None => Ok(()),
        }
    }
}

fn same_primitive(expected: Type, found: PrimitiveValType) -> bool {
    use PrimitiveValType as P;
    matches!(
        (expected, found),
        (Type::Bool, P::Bool)
            | (Type::U8, P::U8)
            | (Type::U16, P::U16)
            | (Type::U32, P::U32)
            | (Type::U64, P::U64)
            | (Type::S8, P::S8)
            | (Type::S16, P::S16)
            | (Type::S32, P::S32)
            | (Type::S64, P::S64)
            | (Type::F32, P::F32)
            | (Type::F64, P::F64)
            | (Type::Char, P::Char)
            | (Type::String, P::String)
    )
}
