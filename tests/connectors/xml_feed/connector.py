"""A feed in XML with namespaces, by the standard library's own client."""

import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime
from urllib import error, parse, request

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

NAMESPACES = {"dc": "http://purl.org/dc/elements/1.1/"}


def schema(configuration):
    return [{"table": "entry", "primary_key": ["guid"], "columns": {"published": "UTC_DATETIME"}}]


def fetch(path, **query):
    url = f"https://feeds.example.com/{path}?{parse.urlencode(query)}"
    with request.urlopen(request.Request(url, headers={"User-Agent": "feeds/1"}), timeout=10) as answer:
        assert answer.headers.get_content_type() == "application/rss+xml"
        return answer.read()


def update(configuration, state):
    root = ET.fromstring(fetch("news.xml", lang="de", q="käse & brot"))
    for item in root.iter("item"):
        op.upsert(
            "entry",
            {
                "guid": item.findtext("guid"),
                "title": item.findtext("title"),
                "author": item.findtext("dc:creator", namespaces=NAMESPACES),
                "published": parsedate_to_datetime(item.findtext("pubDate")),
                "categories": [category.text for category in item.findall("category")],
                "enclosure": item.find("enclosure").get("url")
                if item.find("enclosure") is not None
                else None,
            },
        )
    try:
        fetch("old.xml")
    except error.HTTPError as problem:
        log.severe(f"old.xml: {problem.code} {problem.reason} {problem.read().decode()}")
    try:
        ET.fromstring("<broken>")
    except ET.ParseError as problem:
        log.warning(f"broken: {problem}")
    op.checkpoint(state)


connector = Connector(update=update, schema=schema)
