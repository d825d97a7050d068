#!/usr/bin/env bash
# Case events with nothing but Kafka's own kafka-console-producer.sh: a case is opened, and answered.
#
#   SLA_BROKER=127.0.0.1:9092 examples/producer.sh CASE-1000123
#
# The key stands before a tab and is the case id as it is, without quotes. The partition is murmur2 of it, which is this
# tool's default. An event without a content-type header is read as structured JSON.
set -euo pipefail

case_id=${1:?usage: producer.sh CASE-ID}

event() { # event NAME TIME DATA: one line, with an id that is the same each time
  printf '%s\t{"specversion":"1.0","source":"/examples/shell","id":"%s/%s","type":"case.%s","subject":"%s","time":"%s","data":%s}\n' \
    "$case_id" "$case_id" "$1" "$1" "$case_id" "$2" "$3"
}

{
  event opened 2026-03-02T08:00:00Z \
    '{"severity":"A","plan":"unified","country":"DE","language":"en","submitted_by":"admin"}'
  event responded 2026-03-02T08:20:00Z '{"by":"engineer-12"}'
} | kafka-console-producer.sh \
  --bootstrap-server "${SLA_BROKER:-127.0.0.1:9092}" \
  --topic "${SLA_TOPIC_PREFIX:-}case-events" \
  --reader-property parse.key=true \
  --reader-property key.separator=$'\t' \
  --command-property acks=all \
  --sync # else it ends with 0 even if nothing was taken
