"""The packages that data connectors use most, and a few lines for each that need no network.

Each line of code must raise if the package does not work. Packages in one batch are built into one connector.
"""

from __future__ import annotations

BATCHES: list[dict[str, str]] = [
    {
        "requests": "import requests\ntry: requests.get('http://127.0.0.1:1')\nexcept requests.ConnectionError: pass",
        "urllib3": "import urllib3\nassert urllib3.util.parse_url('http://a/b').host == 'a'",
        "certifi": "import certifi\nassert 'BEGIN CERT' in certifi.contents()",
        "charset-normalizer": "from charset_normalizer import from_bytes\n"
        "assert from_bytes('héllo wörld, ça va'.encode()).best().encoding == 'utf_8'",
        "idna": "import idna\nassert idna.encode('bücher.example') == b'xn--bcher-kva.example'",
        "tzdata": "import zoneinfo\nassert zoneinfo.ZoneInfo('Europe/Vienna')",
        "httpx": "import httpx\ntry: httpx.get('http://127.0.0.1:1')\nexcept httpx.ConnectError: pass",
        "aiohttp": "import aiohttp, asyncio\nasync def f():\n async with aiohttp.ClientSession() as s:\n"
        "  try: await s.get('http://127.0.0.1:1')\n  except aiohttp.ClientConnectorError: pass\nasyncio.run(f())",
        "requests-oauthlib": "from requests_oauthlib import OAuth2Session\n"
        "assert OAuth2Session('id').authorization_url('https://a/b')[0].startswith('https://a/b?')",
        "oauthlib": "from oauthlib.oauth1 import Client\n"
        "assert 'OAuth' in Client('k', client_secret='s').sign('https://a/b')[1]['Authorization']",
        "requests-toolbelt": "from requests_toolbelt import MultipartEncoder\n"
        "assert b'x' in MultipartEncoder({'a': 'x'}).read()",
        "requests-cache": "import requests_cache\nrequests_cache.CachedSession(backend='memory')",
        "python-dateutil": "from dateutil import parser, relativedelta\n"
        "assert (parser.parse('3 May 2024') + relativedelta.relativedelta(months=1)).month == 6",
        "pytz": "import pytz\nassert pytz.timezone('Europe/Vienna')",
        "tenacity": "import tenacity\nn = []\n@tenacity.retry(stop=tenacity.stop_after_attempt(3))\n"
        "def f():\n n.append(1)\n assert len(n) == 3\nf()",
        "backoff": "import backoff\nassert backoff.on_exception(backoff.expo, ValueError)(lambda: 1)() == 1",
        "PyJWT": "import jwt\nassert jwt.decode(jwt.encode({'a': 1}, 'k' * 32, 'HS256'), 'k' * 32, ['HS256']) == {'a': 1}",
        "simplejson": "import simplejson\nassert simplejson.loads('[1.10]', use_decimal=True)[0].as_tuple().digits == (1, 1, 0)",
        "PyYAML": "import yaml\nassert yaml.safe_load('a: [1, 2]') == {'a': [1, 2]}",
        "ruamel.yaml": "from ruamel.yaml import YAML\nassert YAML(typ='safe').load('a: 1') == {'a': 1}",
        "python-dotenv": "import dotenv, io\nassert dotenv.dotenv_values(stream=io.StringIO('A=1')) == {'A': '1'}",
        "attrs": "import attr\n@attr.s(auto_attribs=True)\nclass A:\n x: int\nassert A(1).x == 1",
        "pydantic": "import pydantic\nclass M(pydantic.BaseModel):\n x: int\nassert M(x='1').x == 1",
        "jsonschema": "import jsonschema\njsonschema.validate({'a': 1}, {'required': ['a']})",
        "marshmallow": "from marshmallow import Schema, fields\n"
        "assert Schema.from_dict({'a': fields.Int()})().load({'a': '1'}) == {'a': 1}",
        "cattrs": "import cattrs\nassert cattrs.structure('1', int) == 1",
        "dacite": "import dacite, dataclasses\n@dataclasses.dataclass\nclass A:\n x: int\n"
        "assert dacite.from_dict(A, {'x': 1}).x == 1",
        "typing-extensions": "import typing_extensions",
        "jmespath": "import jmespath\nassert jmespath.search('a.b', {'a': {'b': 1}}) == 1",
        "jsonpath-ng": "import jsonpath_ng\nassert jsonpath_ng.parse('a[*]').find({'a': [1]})[0].value == 1",
        "glom": "import glom\nassert glom.glom({'a': {'b': 1}}, 'a.b') == 1",
        "xmltodict": "import xmltodict\nassert xmltodict.parse('<a>1</a>') == {'a': '1'}",
        "beautifulsoup4": "import bs4\nassert bs4.BeautifulSoup('<p>x</p>', 'html.parser').p.text == 'x'",
        "html5lib": "import html5lib\nhtml5lib.parse('<p>x')",
        "defusedxml": "from defusedxml.ElementTree import fromstring\nassert fromstring('<a/>').tag == 'a'",
        "feedparser": "import feedparser\n"
        "assert feedparser.parse('<rss><channel><title>t</title></channel></rss>').feed.title == 't'",
        "openpyxl": "import openpyxl, io\nb = openpyxl.Workbook(); b.active['A1'] = 1; f = io.BytesIO(); b.save(f)\n"
        "assert openpyxl.load_workbook(f).active['A1'].value == 1",
        "xlrd": "import xlrd\ntry: xlrd.open_workbook(file_contents=b'x')\nexcept xlrd.XLRDError: pass",
        "XlsxWriter": "import xlsxwriter, io\nb = xlsxwriter.Workbook(io.BytesIO()); b.add_worksheet().write(0, 0, 1); b.close()",
        "tabulate": "import tabulate\nassert '1' in tabulate.tabulate([[1]])",
        "chardet": "import chardet\nassert chardet.detect(b'abc')['encoding'].lower() == 'ascii'",
        "ijson": "import ijson, io\nassert list(ijson.items(io.BytesIO(b'[1,2]'), 'item')) == [1, 2]",
        "msgpack": "import msgpack\nassert msgpack.unpackb(msgpack.packb({'a': 1})) == {'a': 1}",
        "cbor2": "import cbor2\nassert cbor2.loads(cbor2.dumps({'a': 1})) == {'a': 1}",
        "fastavro": "import fastavro, io\nf = io.BytesIO()\n"
        "fastavro.writer(f, {'type': 'record', 'name': 'r', 'fields': [{'name': 'a', 'type': 'int'}]}, [{'a': 1}])\n"
        "f.seek(0)\nassert list(fastavro.reader(f)) == [{'a': 1}]",
        "avro": "import avro.schema\nassert avro.schema.parse('\"int\"').type == 'int'",
        "protobuf": "from google.protobuf import json_format, struct_pb2\n"
        "assert json_format.MessageToDict(json_format.Parse('{\"a\": 1}', struct_pb2.Struct())) == {'a': 1}",
    },
    {
        "cachetools": "import cachetools\nassert cachetools.TTLCache(2, 60).maxsize == 2",
        "ratelimit": "import ratelimit\nassert ratelimit.limits(calls=1, period=1)(lambda: 1)() == 1",
        "more-itertools": "import more_itertools\nassert list(more_itertools.chunked([1, 2, 3], 2)) == [[1, 2], [3]]",
        "tqdm": "import tqdm\nassert list(tqdm.tqdm([1], disable=True)) == [1]",
        "click": "import click\nclick.command()(lambda: None)",
        "rich": "import rich.console, io\nrich.console.Console(file=io.StringIO()).print('[b]x[/b]')",
        "loguru": "from loguru import logger\nlogger.info('a line of loguru')",
        "structlog": "import structlog\nstructlog.get_logger().info('a line of structlog')",
        "python-json-logger": "from pythonjsonlogger.json import JsonFormatter\nJsonFormatter()",
        "Jinja2": "import jinja2\nassert jinja2.Template('{{ a }}').render(a=1) == '1'",
        "MarkupSafe": "import markupsafe\nassert markupsafe.escape('<') == '&lt;'",
        "wrapt": "import wrapt\nassert wrapt.ObjectProxy(1) + 1 == 2",
        "six": "import six\nassert six.moves.urllib.parse.quote(' ') == '%20'",
        "packaging": "from packaging.version import Version\nassert Version('1.10') > Version('1.9')",
        "setuptools": "import setuptools",
        "arrow": "import arrow\nassert arrow.get('2024-05-03').shift(days=1).day == 4",
        "pendulum": "import pendulum\nassert pendulum.parse('2024-05-03').add(days=1).day == 4",
        "isodate": "import isodate\nassert isodate.parse_duration('PT1H').seconds == 3600",
        "dateparser": "import dateparser\nassert dateparser.parse('3 May 2024').day == 3",
        "phonenumbers": "import phonenumbers\nassert phonenumbers.parse('+43 1 234567').country_code == 43",
        "pycountry": "import pycountry\nassert pycountry.countries.get(alpha_2='AT').name == 'Austria'",
        "Unidecode": "import unidecode\nassert unidecode.unidecode('é') == 'e'",
        "python-slugify": "import slugify\nassert slugify.slugify('A b') == 'a-b'",
        "SQLAlchemy": "import sqlalchemy\n"
        "assert sqlalchemy.create_engine('sqlite://').connect().exec_driver_sql('select 1').scalar() == 1",
        "pg8000": "import pg8000.native",
        "psycopg2-binary": "import psycopg2",
        "PyMySQL": "import pymysql\nassert pymysql.converters.escape_string(\"'\")",
        "mysql-connector-python": "import mysql.connector",
        "python-tds": "import pytds",
        "pymongo": "import bson, pymongo\nassert bson.decode(bson.encode({'a': 1})) == {'a': 1}",
        "redis": "import redis\nredis.Redis(host='127.0.0.1', port=1)",
        "pika": "import pika\npika.ConnectionParameters('127.0.0.1')",
        "kafka-python": "import kafka\nassert kafka.TopicPartition('t', 0).topic == 't'",
        "elasticsearch": "import elasticsearch\nelasticsearch.Elasticsearch('http://127.0.0.1:1')",
        "opensearch-py": "import opensearchpy\nopensearchpy.OpenSearch('http://127.0.0.1:1')",
        "cassandra-driver": "import cassandra.query",
        "trino": "import trino\ntrino.dbapi.connect(host='127.0.0.1', port=1, user='u')",
        "gql": "import gql\ngql.gql('{ a }')",
        "graphql-core": "import graphql\ngraphql.parse('{ a }')",
        "zeep": "import zeep",
        "websocket-client": "import websocket",
        "paho-mqtt": "import paho.mqtt.client",
        "dnspython": "import dns.message\ndns.message.make_query('a.example', 'A').to_wire()",
        "smart-open": "import smart_open\nsmart_open.open('x.txt', 'w').write('x')\nassert smart_open.open('x.txt').read() == 'x'",
        "fsspec": "import fsspec\nfsspec.filesystem('memory').pipe('/a', b'x')",
    },
    {
        "boto3": "import boto3\nassert boto3.client('s3', region_name='eu-central-1', aws_access_key_id='a', "
        "aws_secret_access_key='b').generate_presigned_url('get_object', {'Bucket': 'a', 'Key': 'b'})",
        "google-auth": "import google.oauth2.credentials\ngoogle.oauth2.credentials.Credentials('token')",
        "google-cloud-storage": "from google.cloud import storage\n"
        "import google.oauth2.credentials as c\nstorage.Client(project='p', credentials=c.Credentials('t')).bucket('b')",
        "gspread": "import gspread\nassert gspread.utils.rowcol_to_a1(1, 1) == 'A1'",
        "msal": "import msal\nmsal.SerializableTokenCache()",
        "azure-core": "from azure.core.credentials import AzureKeyCredential\nAzureKeyCredential('k')",
        "azure-storage-blob": "from azure.storage.blob import BlobServiceClient\n"
        "BlobServiceClient('https://a.blob.core.windows.net', credential='a2V5')",
        "simple-salesforce": "import simple_salesforce\nsimple_salesforce.format_soql('{}', 'a')",
        "stripe": "import stripe\nstripe.StripeClient('sk_test_x')",
        "hubspot-api-client": "import hubspot\nhubspot.HubSpot(access_token='x')",
        "slack-sdk": "import slack_sdk\nslack_sdk.WebClient('x')",
        "facebook-business": "from facebook_business.api import FacebookAdsApi\nFacebookAdsApi.init(access_token='x')",
        "notion-client": "import notion_client\nnotion_client.Client(auth='x')",
        "PyGithub": "import github\ngithub.Github()",
        "python-gitlab": "import gitlab\ngitlab.Gitlab('https://gitlab.example')",
        "jira": "import jira",
        "twilio": "from twilio.rest import Client\nClient('a', 'b')",
        "shippo": "import shippo",
        "zenpy": "import zenpy",
        "rsa": "import rsa\np, k = rsa.newkeys(512)\nrsa.verify(b'x', rsa.sign(b'x', k, 'SHA-256'), p)",
        "pyasn1": "from pyasn1.codec.der import encoder\nfrom pyasn1.type import univ\nencoder.encode(univ.Integer(1))",
    },
    {
        "google-api-python-client": "import google.oauth2.credentials as c\nfrom googleapiclient.discovery import build\n"
        "s = build('sheets', 'v4', credentials=c.Credentials('t'))\n"
        "assert s.spreadsheets().get(spreadsheetId='a').uri.startswith('https://sheets.googleapis.com/v4/')",
    },
    {
        "aiomysql": "import aiomysql, asyncio\nasync def f():\n try: await aiomysql.connect(host='127.0.0.1', port=1)\n"
        " except aiomysql.OperationalError: pass\nasyncio.run(f())",
        "aioredis-cluster": "import aioredis_cluster",
        "aiosmtplib": "import aiosmtplib",
        "google-api-core": "import google.api_core.client_options, google.api_core.retry",
        "neo4j-driver": "import neo4j",
        "responses": "import requests, responses\nwith responses.RequestsMock() as mock:\n"
        " mock.get('http://a', body='b')\n assert requests.get('http://a').text == 'b'",
        "httplib2": "import httplib2\ntry: httplib2.Http().request('http://127.0.0.1:1')\nexcept OSError: pass",
        "motor": "import motor.motor_asyncio",
        "nats-py": "import nats",
    },
    {"asyncmy": "import asyncmy", "aiopg": "import aiopg", "aiokafka": "import aiokafka"},
    {
        "cryptography": "from cryptography.fernet import Fernet\nf = Fernet(Fernet.generate_key())\n"
        "assert f.decrypt(f.encrypt(b'x')) == b'x'",
        "redshift-connector": "import redshift_connector\ntry: redshift_connector.connect(host='127.0.0.1', port=1, user='u', password='p', database='d')\n"
        "except redshift_connector.InterfaceError: pass",
        "python-arango": "import arango\narango.ArangoClient('http://127.0.0.1:1').db('x')",
        "PyAthena": "import pyathena\npyathena.connect(s3_staging_dir='s3://a/b', region_name='eu-central-1', aws_access_key_id='a', aws_secret_access_key='b')",
        "aws-dynamodb-parallel-scan": "import aws_dynamodb_parallel_scan",
        "neo4j": "import neo4j\nneo4j.GraphDatabase.driver('bolt://127.0.0.1:1', auth=('a', 'b')).close()",
        "flatten-json": "import flatten_json\nassert flatten_json.flatten({'a': {'b': 1}}) == {'a_b': 1}",
        "Faker": "import faker\nassert faker.Faker().name()",
        "rethinkdb": "from rethinkdb import RethinkDB\nRethinkDB().table('t')",
        "gremlinpython": "from gremlin_python.process.anonymous_traversal import traversal",
        "pypdf": "import io, pypdf\nw = pypdf.PdfWriter()\nw.add_blank_page(9, 9)\nb = io.BytesIO()\nw.write(b)\nassert len(pypdf.PdfReader(b).pages) == 1",
        "Authlib": "from authlib.jose import jwt\nassert jwt.decode(jwt.encode({'alg': 'HS256'}, {'a': 1}, 'k' * 32), 'k' * 32) == {'a': 1}",
        "python-jose": "from jose import jwt\nassert jwt.decode(jwt.encode({'a': 1}, 'k' * 32), 'k' * 32) == {'a': 1}",
        "requests-aws4auth": "from requests_aws4auth import AWS4Auth\nAWS4Auth('a', 'b', 'eu-central-1', 's3')",
        "hvac": "import hvac\nhvac.Client('http://127.0.0.1:1')",
        "sendgrid": "import sendgrid\nsendgrid.SendGridAPIClient('x')",
        "ShopifyAPI": "import shopify\nshopify.Session('a.myshopify.com', '2024-10', 'x')",
        "atlassian-python-api": "import atlassian\natlassian.Jira('http://127.0.0.1:1')",
        "asana": "import asana\nasana.ApiClient(asana.Configuration())",
        "influxdb-client": "import influxdb_client\ninfluxdb_client.InfluxDBClient('http://127.0.0.1:1', 't', org='o')",
        "azure-keyvault-secrets": "import azure.keyvault.secrets",
        "pyairtable": "import pyairtable",
        "dropbox": "import dropbox\ndropbox.Dropbox('x')",
        "holidays": "import holidays\nassert holidays.country_holidays('AT', years=2025)",
        "icalendar": "import icalendar\nicalendar.Calendar()",
    },
    {"supabase": "import supabase"},
    {"python-odata": "import odata"},
    {"influxdb3-python": "import influxdb_client_3"},
    {"pulsar-client": "import pulsar"},
    {"teradatasql": "import teradatasql"},
    {"python-gnupg": "import gnupg"},
    {"pytidb": "import pytidb"},
    {name: f"import {module}" for name, module in {
        "couchbase": "couchbase", "dolphindb": "dolphindb", "hdbcli": "hdbcli", "ibm-db": "ibm_db", "pdfplumber": "pdfplumber",
        "temporalio": "temporalio", "sshtunnel": "sshtunnel", "happybase": "happybase", "PyHive": "pyhive", "pydruid": "pydruid",
        "firebirdsql": "firebirdsql",
    }.items()},
    {"rapidfuzz": "import rapidfuzz\nassert rapidfuzz.fuzz.ratio('a', 'a') == 100"},
    {"clickhouse-connect": "import clickhouse_connect"},
    {"databricks-sql-connector": "import databricks.sql"},
    {"azure-identity": "import azure.identity"},
    {
        name: f"import {module}"
        for name, module in {
            "asyncpg": "asyncpg", "bcrypt": "bcrypt", "brotli": "brotli", "confluent-kafka": "confluent_kafka",
            "cx-Oracle": "cx_Oracle", "duckdb": "duckdb",
            "google-ads": "google.ads", "google-analytics-data": "google.analytics",
            "google-cloud-bigquery": "google.cloud.bigquery", "google-cloud-pubsub": "google.cloud.pubsub",
            "grpcio": "grpc", "lxml": "lxml", "mysqlclient": "MySQLdb", "numpy": "numpy", "oracledb": "oracledb",
            "orjson": "orjson", "pandas": "pandas", "paramiko": "paramiko", "polars": "polars",
            "psycopg": "psycopg", "pyarrow": "pyarrow",
            "pycryptodome": "Crypto", "pymssql": "pymssql", "pyodbc": "pyodbc",
            "snowflake-connector-python": "snowflake.connector", "ujson": "ujson", "zstandard": "zstandard",
        }.items()
    },
]  # fmt: skip
