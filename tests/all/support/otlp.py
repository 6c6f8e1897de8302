"""Reads OTLP requests with the messages of OpenTelemetry itself, and writes them as JSON.

Arguments: files whose names end in ``.traces`` or ``.metrics``.
"""

import json
import sys
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {".traces": ExportTraceServiceRequest, ".metrics": ExportMetricsServiceRequest}

read = []
for name in sys.argv[1:]:
    path = Path(name)
    request = REQUESTS[path.suffix]()
    request.ParseFromString(path.read_bytes())
    read.append(MessageToDict(request))
json.dump(read, sys.stdout)
