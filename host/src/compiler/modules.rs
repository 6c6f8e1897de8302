//! Byte code of modules, made by the Python that will run them.
//!
//! A worker with the component is given the files and answers their byte code. Nothing of them is executed, so what it
//! answers depends on their source and the component alone.
//!
//! **Threat.** What a guest answers is as little to be trusted as what it was given. It is read as bytes, and loaded by
//! nothing but a guest.

use std::collections::HashSet;

use serde::Deserialize;

use super::files::Files;
use super::scan::SyntaxError;
use crate::parcel::{Archive, Parcel};
use crate::policy::base64;

/// Does a task with the Python of one component, which is given this; the answer, or why there is none.
pub type Interpreter<'a> = dyn FnMut(Parcel, String) -> Result<String, String> + 'a;

/// What is asked to be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The files of a project.
    Project,
    /// The files of packages.
    Site,
}

/// An answer.
#[derive(Deserialize)]
struct Compiled {
    code: Vec<(usize, String)>,
    refused: Vec<(usize, u64, String)>,
    next: Option<usize>,
}

/// Has the byte code of modules made. What is no Python is returned.
///
/// # Errors
///
/// When the interpreter does not answer, in its words, or what it answers makes no sense.
pub fn compile(
    files: &mut Files,
    part: Part,
    digest: &str,
    interpreter: &mut Interpreter<'_>,
) -> Result<Vec<SyntaxError>, String> {
    let (archive, nothing) = (files.pack(), Archive::pack(&[], true));
    let (name, parcel) = match part {
        Part::Project => ("project", Parcel::of_component(archive, digest.to_owned())),
        Part::Site => ("site", Parcel::new(digest, nothing, archive, "")),
    };
    let mut refused = Vec::new();
    let mut from = Some(0);
    while let Some(start) = from {
        let task = serde_json::json!({"part": name, "from": start}).to_string();
        let answer = interpreter(parcel.clone(), task)?;
        let answer: Compiled =
            serde_json::from_str(&answer).map_err(|_| "the component answered what makes no sense".to_owned())?;
        for (number, text) in answer.code {
            if let Some(bytes) = base64::decode(&text) {
                files.set_code(number, bytes);
            }
        }
        refused.extend(answer.refused);
        // It goes on, or it is over.
        from = answer.next.filter(|next| *next > start);
    }
    let mut seen = HashSet::new();
    refused.retain(|(number, ..)| seen.insert(*number));
    let described = |(number, line, message): (usize, u64, String)| {
        let file = files.get(number)?.path.clone();
        Some(SyntaxError { file, line, message, text: None })
    };
    Ok(refused.into_iter().filter_map(described).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::compiler::Project;

    fn files() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.py", "connector.py"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let files = Files::of_project(&Project::read(folder.path()).unwrap());
        (folder, files)
    }

    #[test]
    fn answers_are_put_together() {
        let (_folder, mut files) = files();
        let mut asked = Vec::new();
        let refused = compile(&mut files, Part::Project, "base", &mut |_, task| {
            asked.push(task);
            Ok(match asked.len() {
                1 => r#"{"code": [[1, "YWJj"]], "refused": [[0, 3, "no"]], "next": 1}"#,
                _ => r#"{"code": [[7, "YWJj"]], "refused": [[0, 3, "no"], [7, 1, "x"]], "next": 1}"#,
            }
            .to_owned())
        });
        let expected = SyntaxError { file: "a.py".into(), line: 3, message: "no".into(), text: None };
        assert_eq!(refused.unwrap(), [expected]);
        assert_eq!(asked, [r#"{"from":0,"part":"project"}"#, r#"{"from":1,"part":"project"}"#]);
        assert_eq!(files.code().collect::<Vec<_>>(), [(1, b"abc".as_slice())]);
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_an_error() {
        for answer in ["", "[]", r#"{"code": [[-1, ""]], "refused": [], "next": null}"#] {
            let (_folder, mut files) = files();
            assert!(compile(&mut files, Part::Project, "base", &mut |_, _| Ok(answer.to_owned())).is_err());
        }
    }
}
