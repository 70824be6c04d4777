// Reads envelopes and writes them again, and writes some from their parts: a list of cases in, a list of answers out.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"tidemark.interop/envelope/tidemarkv1"
)

type caseOf struct {
	Bytes    []byte            `json:"bytes"`
	Payload  []byte            `json:"payload"`
	Metadata map[string]string `json:"metadata"`
}

type answer struct {
	Payload  []byte            `json:"payload"`
	Metadata map[string]string `json:"metadata"`
	Again    []byte            `json:"again"`
	Built    []byte            `json:"built"`
	Nanos    string            `json:"nanos,omitempty"`
	Time     string            `json:"time,omitempty"`
}

func main() {
	var cases []caseOf
	check(json.NewDecoder(os.Stdin).Decode(&cases))
	answers := []answer{}
	write := proto.MarshalOptions{Deterministic: true}
	for _, each := range cases {
		var read tidemarkv1.Envelope
		check(proto.Unmarshal(each.Bytes, &read))
		again, err := write.Marshal(&read)
		check(err)
		built, err := write.Marshal(&tidemarkv1.Envelope{Payload: each.Payload, Metadata: each.Metadata})
		check(err)
		said := answer{Payload: read.Payload, Metadata: read.Metadata, Again: again, Built: built}
		if said.Payload == nil {
			said.Payload = []byte{}
		}
		if said.Metadata == nil {
			said.Metadata = map[string]string{}
		}
		if stamp, found := read.Metadata["x-timestamp"]; found {
			at, err := time.Parse(time.RFC3339Nano, stamp)
			check(err)
			said.Nanos = strconv.FormatInt(at.UnixNano(), 10)
			said.Time = at.UTC().Format(time.RFC3339Nano)
		}
		answers = append(answers, said)
	}
	check(json.NewEncoder(os.Stdout).Encode(answers))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
