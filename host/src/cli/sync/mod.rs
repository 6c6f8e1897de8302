//! One sync: what an operator grants and wants of it, and what is said of it.

pub(super) mod accept;
pub(super) mod confidential;
pub(super) mod environment;
pub(super) mod grants;
pub(super) mod landing;
pub(super) mod limits;
pub(super) mod record;
pub(super) mod report;
pub(super) mod run;
pub(super) mod server;
pub(super) mod syncing;
pub(super) mod tape;
