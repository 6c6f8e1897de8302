"""Invoices by SOAP: XML is posted, XML comes back, faults have status 500."""

import http.client
from xml.dom import minidom
from xml.sax.saxutils import escape

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

ENVELOPE = (
    '<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
    "<soap:Body><List><customer>{}</customer></List></soap:Body></soap:Envelope>"
)


def call(customer):
    connection = http.client.HTTPSConnection("erp.example.com", 8443, timeout=20)
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"List"'}
    connection.request("POST", "/soap/invoices?wsdl", ENVELOPE.format(escape(customer)).encode(), headers)
    answer = connection.getresponse()
    document = minidom.parseString(answer.read())
    connection.close()
    if answer.status == 500:
        raise RuntimeError(document.getElementsByTagName("faultstring")[0].firstChild.data)
    return document.getElementsByTagName("invoice")


def update(configuration, state):
    for customer in ("Müller & Söhne", "nobody"):
        try:
            for invoice in call(customer):
                total = invoice.getElementsByTagName("total")[0]
                row = {"number": invoice.getAttribute("number"), "customer": customer}
                op.upsert(
                    "invoice", {**row, "total": total.firstChild.data, "currency": total.getAttribute("cur")}
                )
        except RuntimeError as error:
            log.severe(f"{customer}: {error}")
    op.checkpoint(state)


connector = Connector(update=update, schema=lambda c: [{"table": "invoice", "primary_key": ["number"]}])
