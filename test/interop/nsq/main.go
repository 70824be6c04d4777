// The official Go client of NSQ, driven by lines of JSON: what is published comes in on standard input, and so do the words on
// what was received; what was received goes out on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

type command struct {
	Do   string `json:"do"` // publish, finish or requeue
	Body []byte `json:"body"`
	ID   string `json:"id"`
}

type received struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Attempts  uint16 `json:"attempts"`
	Body      []byte `json:"body"`
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: nsqclient <nsqd address> <topic> <channel>")
		os.Exit(2)
	}
	address, topic, channel := os.Args[1], os.Args[2], os.Args[3]
	quiet := log.New(os.Stderr, "", 0)
	config := nsq.NewConfig()
	config.MaxInFlight = 100
	producer, err := nsq.NewProducer(address, config)
	check(err)
	producer.SetLogger(quiet, nsq.LogLevelError)
	consumer, err := nsq.NewConsumer(topic, channel, config)
	check(err)
	consumer.SetLogger(quiet, nsq.LogLevelError)
	var lock sync.Mutex
	inFlight := map[string]*nsq.Message{}
	out := json.NewEncoder(os.Stdout)
	consumer.AddHandler(nsq.HandlerFunc(func(message *nsq.Message) error {
		message.DisableAutoResponse()
		lock.Lock()
		defer lock.Unlock()
		id := string(message.ID[:])
		inFlight[id] = message
		return out.Encode(received{id, message.Timestamp, message.Attempts, message.Body})
	}))
	check(consumer.ConnectToNSQD(address))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 16<<20)
	for lines.Scan() {
		var next command
		check(json.Unmarshal(lines.Bytes(), &next))
		if next.Do == "publish" {
			check(producer.Publish(topic, next.Body))
			continue
		}
		lock.Lock()
		message := inFlight[next.ID]
		delete(inFlight, next.ID)
		lock.Unlock()
		if message == nil {
			check(fmt.Errorf("no message %s is in flight", next.ID))
		}
		if next.Do == "finish" {
			message.Finish()
		} else {
			message.RequeueWithoutBackoff(time.Millisecond)
		}
	}
	producer.Stop()
	consumer.Stop()
	<-consumer.StopChan
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
