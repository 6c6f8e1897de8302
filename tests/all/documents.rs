//! The documents hang together: links lead somewhere, and every page is found from the index.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// The pages of a folder and of those in it.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

fn all() -> Vec<PathBuf> {
    let root = repository();
    let mut found = vec![root.join("README.md"), root.join("CHANGELOG.md"), root.join("guest-python/README.md")];
    for folder in ["docs", "host/templates", "examples"] {
        pages(&root.join(folder), &mut found);
    }
    found
}

/// The lines of a page that are not code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !fence && !code
    })
}

/// Where the links of a page lead, as they are written.
fn targets(text: &str) -> Vec<String> {
    // Links in code spans are none; a target has no backquote.
    let prose: String = prose(text).map(|line| format!("{line}\n")).collect();
    let links = prose.split("](").skip(1).filter_map(|after| after.split(')').next());
    links.filter(|target| !target.contains([' ', '`', '\n'])).map(ToOwned::to_owned).collect()
}

/// The anchors of a page, as repositories on the web make them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let headings =
        prose(text).filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    let anchors = headings.map(|heading| {
        let kept = heading.trim().to_lowercase();
        let kept: String = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect();
        let anchor = kept.replace(' ', "-");
        let before = seen.entry(anchor.clone()).or_default();
        *before += 1;
        if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
    });
    anchors.collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    let mut count = 0;
    for page in all() {
        let text = fs::read_to_string(&page).unwrap();
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let leads_to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let there = if anchor.is_empty() {
                leads_to.exists()
            } else {
                fs::read_to_string(&leads_to).is_ok_and(|text| anchors(&text).contains(anchor))
            };
            if !there {
                dead.push(format!("{}: {target}", page.strip_prefix(repository()).unwrap().display()));
            }
        }
    }
    assert!(count > 200, "{count} links");
    assert!(dead.is_empty(), "these lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn every_page_is_found_from_the_index() {
    let docs = repository().join("docs");
    let index = fs::read_to_string(docs.join("README.md")).unwrap();
    let linked: BTreeSet<_> =
        targets(&index).iter().map(|target| target.split('#').next().unwrap().to_owned()).collect();
    let mut found = Vec::new();
    pages(&docs, &mut found);
    let missing: Vec<_> = found.iter().map(|page| page.strip_prefix(&docs).unwrap().display().to_string()).collect();
    let missing: Vec<_> = missing.into_iter().filter(|page| page != "README.md" && !linked.contains(page)).collect();
    assert!(missing.is_empty(), "docs/README.md does not link {missing:?}");
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(targets(&readme).iter().any(|target| target == "docs/README.md"), "README.md does not link docs/README.md");
}
