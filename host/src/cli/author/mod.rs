//! What an author does with a project: begin it, build it, check it, run it at each save, test it.

pub(super) mod build;
pub(super) mod check;
pub(super) mod dev;
pub(super) mod init;
pub(super) mod test;
pub(super) mod wit;
