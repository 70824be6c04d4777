"""Reads envelopes and writes them again, and writes some from their parts: a list of cases in, a list of answers out."""

import base64
import datetime
import json
import sys

import envelope_pb2
from google.protobuf.timestamp_pb2 import Timestamp


def text(envelope):
    return base64.b64encode(envelope.SerializeToString(deterministic=True)).decode()


def answer(case):
    read = envelope_pb2.Envelope.FromString(base64.b64decode(case["bytes"]))
    built = envelope_pb2.Envelope(payload=base64.b64decode(case["payload"]), metadata=case["metadata"])
    said = {
        "payload": base64.b64encode(read.payload).decode(),
        "metadata": dict(read.metadata),
        "again": text(read),
        "built": text(built),
    }
    if "x-timestamp" in read.metadata:
        stamp = Timestamp()
        stamp.FromJsonString(read.metadata["x-timestamp"])
        said["nanos"] = str(stamp.ToNanoseconds())
        said["time"] = stamp.ToJsonString()
        said["datetime"] = stamp.ToDatetime(datetime.timezone.utc).isoformat()
    return said


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
