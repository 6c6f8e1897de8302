//! Names of a component's functions as people read them: Rust's are mangled.

use std::fmt::{self, Write as _};

use crate::policy::terminal::{Lines, visible};

/// How much of a name is shown.
const SHOWN_BYTES: usize = 200;
/// Longer ones are left as they are: a guest chooses its names.
const MANGLED_BYTES: usize = 4 << 10;

/// A function's name on one line, readable where it is one of Rust's.
pub(super) fn readable(name: &str) -> String {
    let demangled = (name.len() <= MANGLED_BYTES).then(|| rustc_demangle::try_demangle(name).ok()).flatten();
    match demangled {
        None => visible(name, Lines::One, SHOWN_BYTES),
        Some(demangled) => {
            let mut text = Short(String::new());
            // It ends with an error when it is full: a short name can stand for a very long one.
            let _ = write!(text, "{demangled:#}");
            visible(&text.0, Lines::One, SHOWN_BYTES)
        }
    }
}

/// A text that takes no more than is shown.
struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.0.push_str(more.get(..more.floor_char_boundary(SHOWN_BYTES + 1)).unwrap_or_default());
        if self.0.len() > SHOWN_BYTES { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_are_readable_and_others_stay() {
        for (name, shown) in [
            ("_ZN4shop6client5fetch17h0123456789abcdefE", "shop::client::fetch"),
            (
                "_ZN52_$LT$shop..Shop$u20$as$u20$shop..bindings..Guest$GT$4sync17h89abcdef01234567E",
                "<shop::Shop as shop::bindings::Guest>::sync",
            ),
            ("_RNvNtCs1234_4shop6client5fetch", "shop::client::fetch"),
            ("_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault"),
            ("shop.so!_ZN", "shop.so!_ZN"),
            ("", ""),
        ] {
            assert_eq!(readable(name), shown);
        }
        assert!(readable("two\nlines").lines().count() == 1);
    }

    #[test]
    fn no_name_takes_much() {
        // Each level names the one before twice.
        let doubling = format!("_RMC0{}{}", "T".repeat(40), "E".repeat(40));
        for name in [doubling, format!("_ZN{}E", "1a".repeat(2_000)), "x".repeat(1 << 20), "_R".repeat(2_000)] {
            assert!(readable(&name).len() <= SHOWN_BYTES + 16, "{}", readable(&name).len());
        }
    }
}
