//! What is to run: a component or a project, found, built, admitted, and behind the second wall.

pub(super) mod components;
pub(super) mod interpreter;
pub(super) mod passwords;
pub(super) mod subject;
pub(super) mod unchanged;
pub(super) mod wall;
