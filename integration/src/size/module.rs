//! Sizes of the parts of a Wasm module.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// Sizes of the parts of a module, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Complete module.
    pub total: usize,
    /// Code of all functions.
    pub code: usize,
    /// Content of the data section.
    pub data: Vec<u8>,
    /// Functions.
    pub functions: Vec<Function>,
}

/// Function of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Name as Rust writes it. Empty when the module has no names.
    pub name: String,
    /// Size of its code in bytes.
    pub size: usize,
}

impl Module {
    /// Reads a module.
    ///
    /// # Errors
    ///
    /// When it is not valid.
    pub fn read(wasm: &[u8]) -> Result<Self> {
        let mut module = Self { total: wasm.len(), ..Self::default() };
        let mut imported: u32 = 0;
        let mut names = BTreeMap::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.context("no wasm module")? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::CodeSectionStart { size, .. } => module.code = size as usize,
                Payload::CodeSectionEntry(body) => {
                    module.functions.push(Function { name: String::new(), size: body.as_bytes().len() });
                }
                Payload::DataSection(segments) => {
                    for segment in segments {
                        module.data.extend_from_slice(segment?.data);
                    }
                }
                Payload::CustomSection(custom) => {
                    let KnownCustom::Name(subsections) = custom.as_known() else { continue };
                    for subsection in subsections {
                        let Name::Function(map) = subsection? else { continue };
                        for naming in map {
                            let naming = naming?;
                            names.insert(naming.index, format!("{:#}", rustc_demangle::demangle(naming.name)));
                        }
                    }
                }
                _ => {}
            }
        }
        ensure!(!module.functions.is_empty(), "a module without a function");
        for (index, function) in (imported..).zip(&mut module.functions) {
            function.name = names.remove(&index).unwrap_or_default();
        }
        Ok(module)
    }

    /// Size of all other sections: types, tables, names, imports and exports.
    #[must_use]
    pub fn rest(&self) -> usize {
        self.total.saturating_sub(self.code).saturating_sub(self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_taken_apart() {
        let wasm = wat::parse_str(
            r#"(module (import "env" "f" (func $imported)) (memory 1) (data (i32.const 0) "abc") (data (i32.const 9) "de")
               (func $_RNvC7panveil4scan nop nop) (func $memcpy))"#,
        );
        let module = Module::read(&wasm.unwrap()).unwrap();
        let function = |name: &str, size| Function { name: name.into(), size };
        assert_eq!(module.functions, [function("panveil::scan", 4), function("memcpy", 2)]);
        // The code of each function follows its size.
        assert_eq!((module.data.as_slice(), module.code), (&b"abcde"[..], 8));
        assert!(module.rest() > 0);
        assert!(Module::read(b"\0asm").is_err() && Module::read(b"").is_err());
    }
}
