//! Types in WIT words, short enough for a message.

use wasmparser::component_types::{ComponentDefinedType, ComponentFuncType, ComponentValType};
use wit_parser::{Function, Handle, Type, TypeDefKind};

use super::compare::Types;

/// Longest type in a message, in bytes.
const MAX_WORDS: usize = 240;

/// A text that stops growing at [`MAX_WORDS`].
#[derive(Default)]
struct Words {
    text: String,
    full: bool,
}

impl Words {
    fn add(&mut self, text: &str) {
        if self.full {
            return;
        }
        if self.text.len() + text.len() > MAX_WORDS {
            self.full = true;
            self.text.push('…');
        } else {
            self.text.push_str(text);
        }
    }

    /// Adds items between commas until there is no room.
    fn list<T>(&mut self, items: impl Iterator<Item = T>, mut item: impl FnMut(&mut Self, T)) {
        for (index, each) in items.enumerate() {
            if self.full {
                return;
            }
            if index > 0 {
                self.add(", ");
            }
            item(self, each);
        }
    }
}

impl Types<'_> {
    /// The contract's function as in WIT, without its name.
    pub(super) fn expected_signature(&self, function: &Function) -> String {
        let mut words = Words::default();
        words.add("(");
        words.list(function.params.iter(), |words, param| {
            words.add(&param.name);
            words.add(": ");
            self.expected_type(words, &param.ty);
        });
        words.add(")");
        if let Some(result) = &function.result {
            words.add(" -> ");
            self.expected_type(&mut words, result);
        }
        words.text
    }

    /// The component's function as in WIT, without its name.
    pub(super) fn found_signature(&self, function: &ComponentFuncType) -> String {
        let mut words = Words::default();
        words.add(if function.async_ { "async (" } else { "(" });
        words.list(function.params.iter(), |words, (name, ty)| {
            words.add(name.as_str());
            words.add(": ");
            self.found_type(words, *ty);
        });
        words.add(")");
        if let Some(result) = function.result {
            words.add(" -> ");
            self.found_type(&mut words, result);
        }
        words.text
    }

    pub(super) fn expected_words(&self, ty: &Type) -> String {
        let mut words = Words::default();
        self.expected_type(&mut words, ty);
        words.text
    }

    pub(super) fn found_words(&self, ty: ComponentValType) -> String {
        let mut words = Words::default();
        self.found_type(&mut words, ty);
        words.text
    }

    fn expected_type(&self, words: &mut Words, ty: &Type) {
        let id = match ty {
            Type::Id(id) => *id,
            primitive => return words.add(primitive_word(*primitive)),
        };
        let Some(definition) = self.resolve.types.get(id) else {
            return words.add("?");
        };
        if let Some(name) = &definition.name {
            return words.add(name);
        }
        match &definition.kind {
            TypeDefKind::Tuple(tuple) => {
                words.add("tuple<");
                words.list(tuple.types.iter(), |words, ty| self.expected_type(words, ty));
                words.add(">");
            }
            TypeDefKind::Option(ty) => self.expected_wrapped(words, "option", &[Some(ty)]),
            TypeDefKind::List(ty) => self.expected_wrapped(words, "list", &[Some(ty)]),
            TypeDefKind::Result(result) if result.ok.is_none() && result.err.is_none() => words.add("result"),
            TypeDefKind::Result(result) => {
                self.expected_wrapped(words, "result", &[result.ok.as_ref(), result.err.as_ref()]);
            }
            TypeDefKind::Handle(Handle::Own(id)) => self.expected_type(words, &Type::Id(*id)),
            TypeDefKind::Handle(Handle::Borrow(id)) => {
                self.expected_wrapped(words, "borrow", &[Some(&Type::Id(*id))]);
            }
            TypeDefKind::Type(ty) => self.expected_type(words, ty),
            other => words.add(other.as_str()),
        }
    }

    fn expected_wrapped(&self, words: &mut Words, name: &str, types: &[Option<&Type>]) {
        words.add(name);
        words.add("<");
        words.list(types.iter(), |words, ty| match ty {
            Some(ty) => self.expected_type(words, ty),
            None => words.add("_"),
        });
        words.add(">");
    }

    // ends because a type's nesting is bounded when it is validated
    fn found_type(&self, words: &mut Words, ty: ComponentValType) {
        let id = match ty {
            ComponentValType::Primitive(primitive) => return words.add(&primitive.to_string()),
            ComponentValType::Type(id) => id,
        };
        if words.full {
            return;
        }
        let mut named = Some(id);
        while let Some(id) = named {
            if let Some((_, name)) = self.names.get(&id) {
                return words.add(name);
            }
            named = self.found.peel_alias(id);
        }
        match self.found.get(id) {
            Some(definition) => self.found_definition(words, definition),
            None => words.add("?"),
        }
    }

    fn found_definition(&self, words: &mut Words, definition: &ComponentDefinedType) {
        use ComponentDefinedType as F;
        match definition {
            F::Primitive(primitive) => words.add(&primitive.to_string()),
            F::Record(record) => {
                words.add("record { ");
                words.list(record.fields.iter(), |words, (name, ty)| {
                    words.add(name.as_str());
                    words.add(": ");
                    self.found_type(words, *ty);
                });
                words.add(" }");
            }
            F::Variant(variant) => {
                words.add("variant { ");
                words.list(variant.cases.iter(), |words, (name, case)| {
                    words.add(name.as_str());
                    if let Some(ty) = case.ty {
                        words.add("(");
                        self.found_type(words, ty);
                        words.add(")");
                    }
                });
                words.add(" }");
            }
            F::Enum(names) | F::Flags(names) => {
                words.add(if matches!(definition, F::Enum(_)) { "enum { " } else { "flags { " });
                words.list(names.iter(), |words, name| words.add(name.as_str()));
                words.add(" }");
            }
            F::Own(id) | F::Borrow(id) => {
                let resource = self.resources.get(&id.resource());
                let name = resource.map_or("a resource of its own", |(_, name)| name.as_str());
                words.add(&if matches!(definition, F::Own(_)) { name.to_owned() } else { format!("borrow<{name}>") });
            }
            F::Result { ok: None, err: None, .. } => words.add("result"),
            F::Result { ok, err, .. } => self.found_wrapped(words, "result", &[*ok, *err]),
            F::Tuple(tuple) => {
                words.add("tuple<");
                words.list(tuple.types.iter(), |words, ty| self.found_type(words, *ty));
                words.add(">");
            }
            F::Option { ty, .. } => self.found_wrapped(words, "option", &[Some(*ty)]),
            F::List { element, .. } => self.found_wrapped(words, "list", &[Some(*element)]),
            F::FixedLengthList { element, .. } => self.found_wrapped(words, "fixed-length list", &[Some(*element)]),
            F::Map { key, value, .. } => self.found_wrapped(words, "map", &[Some(*key), Some(*value)]),
            F::Future { ty, .. } => self.found_wrapped(words, "future", &[*ty]),
            F::Stream { ty, .. } => self.found_wrapped(words, "stream", &[*ty]),
        }
    }

    fn found_wrapped(&self, words: &mut Words, name: &str, types: &[Option<ComponentValType>]) {
        words.add(name);
        words.add("<");
        words.list(types.iter(), |words, ty| match ty {
            Some(ty) => self.found_type(words, *ty),
            None => words.add("_"),
        });
        words.add(">");
    }
}

fn primitive_word(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "type",
    }
}
