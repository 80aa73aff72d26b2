// franz-go. usage: franz-go BOOTSTRAP; ../README.md says what a driver reads and prints.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type command struct {
	Do        string `json:"do"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Codec     string `json:"codec"`
	Records   string `json:"records"`
	From      string `json:"from"`
	At        int64  `json:"at"`
	Count     int    `json:"count"`
	Out       string `json:"out"`
	Seconds   int    `json:"seconds"`
}

type record struct {
	Offset    int64        `json:"offset"`
	Timestamp int64        `json:"timestamp"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
}

type driver struct {
	bootstrap string
	producers map[string]*kgo.Client
	consumer  *kgo.Client
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(),
	"zstd": kgo.ZstdCompression(),
}

func say(answer map[string]any) {
	text, _ := json.Marshal(answer)
	fmt.Println(string(text))
}

func bytes(text *string) ([]byte, error) {
	if text == nil {
		return nil, nil
	}
	data, err := hex.DecodeString(*text)
	if data == nil {
		data = []byte{} // nil is null on the wire
	}
	return data, err
}

func text(data []byte) *string {
	if data == nil {
		return nil
	}
	out := hex.EncodeToString(data)
	return &out
}

func (d *driver) client(options ...kgo.Opt) (*kgo.Client, error) {
	common := []kgo.Opt{kgo.SeedBrokers(d.bootstrap), kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(100 * time.Millisecond)}
	return kgo.NewClient(append(common, options...)...)
}

func (d *driver) producer(codec string) (*kgo.Client, error) {
	if known := d.producers[codec]; known != nil {
		return known, nil
	}
	client, err := d.client(kgo.ProducerBatchCompression(codecs[codec]), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerLinger(20*time.Millisecond))
	d.producers[codec] = client
	return client, err
}

func (c *command) kgoRecord(line []byte) (*kgo.Record, error) {
	var one record
	if err := json.Unmarshal(line, &one); err != nil {
		return nil, err
	}
	key, err := bytes(one.Key)
	if err != nil {
		return nil, err
	}
	value, err := bytes(one.Value)
	if err != nil {
		return nil, err
	}
	out := &kgo.Record{Topic: c.Topic, Partition: c.Partition, Key: key, Value: value, Timestamp: time.UnixMilli(one.Timestamp)}
	for _, header := range one.Headers {
		content, err := bytes(header[1])
		if err != nil {
			return nil, err
		}
		out.Headers = append(out.Headers, kgo.RecordHeader{Key: *header[0], Value: content})
	}
	return out, nil
}

func lines(path string, each func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		if err := each(scanner.Bytes()); err != nil {
			return err
		}
	}
	return scanner.Err()
}

// A client stays with the first instance of a topic; its user is to forget the topic and begin anew.
func isRecreated(err error) bool {
	return errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.UnknownTopicOrPartition)
}

func (d *driver) produce(c *command) error {
	client, err := d.producer(c.Codec)
	if err != nil {
		return err
	}
	var records []*kgo.Record
	err = lines(c.Records, func(line []byte) error {
		one, err := c.kgoRecord(line)
		records = append(records, one)
		return err
	})
	if err != nil {
		return err
	}
	context, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = client.ProduceSync(context, records...).FirstErr()
	if isRecreated(err) {
		client.PurgeTopicsFromClient(c.Topic)
		err = client.ProduceSync(context, records...).FirstErr()
	}
	if err != nil {
		return err
	}
	offsets := make([]int64, 0, len(records))
	for _, result := range records {
		offsets = append(offsets, result.Offset)
	}
	say(map[string]any{"offsets": offsets})
	return nil
}

// The answer of ListOffsets to -2 (earliest), -1 (latest) or a time; -1 if no record is as late.
func (d *driver) listed(c *command, at int64) (int64, error) {
	partition := kmsg.NewListOffsetsRequestTopicPartition()
	partition.Partition, partition.Timestamp = c.Partition, at
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic, topic.Partitions = c.Topic, append(topic.Partitions, partition)
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID, request.Topics = -1, append(request.Topics, topic)
	answer, err := request.RequestWith(context.Background(), d.consumer)
	if err != nil {
		return 0, err
	}
	found := answer.Topics[0].Partitions[0]
	return found.Offset, kerr.ErrorForCode(found.ErrorCode)
}

func (d *driver) start(c *command) (kgo.Offset, int64, error) {
	if c.From == "offset" {
		return kgo.NewOffset().At(c.At), c.At, nil
	}
	at := map[string]int64{"beginning": -2, "end": -1, "timestamp": c.At}[c.From]
	position, err := d.listed(c, at)
	if err == nil && position < 0 {
		position, err = d.listed(c, -1)
	}
	switch c.From {
	case "beginning":
		return kgo.NewOffset().AtStart(), position, err
	case "timestamp":
		return kgo.NewOffset().AfterMilli(c.At), position, err
	}
	return kgo.NewOffset().At(position), position, err
}

func (d *driver) consume(c *command) (err error) {
	if d.consumer == nil {
		if d.consumer, err = d.client(kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())); err != nil {
			return err
		}
	}
	offset, position, err := d.start(c)
	if err != nil {
		return err
	}
	say(map[string]any{"position": position})
	d.consumer.AddConsumePartitions(map[string]map[int32]kgo.Offset{c.Topic: {c.Partition: offset}})
	defer d.consumer.PurgeTopicsFromClient(c.Topic)
	file, err := os.Create(c.Out)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	read, err := d.read(c, out)
	if err != nil {
		return err
	}
	say(map[string]any{"read": read})
	return nil
}

func (d *driver) read(c *command, out *bufio.Writer) (int, error) {
	deadline, cancel := context.WithTimeout(context.Background(), time.Duration(c.Seconds)*time.Second)
	defer cancel()
	read, why := 0, error(nil)
	for read < c.Count {
		fetches := d.consumer.PollRecords(deadline, c.Count-read)
		if deadline.Err() != nil {
			return read, fmt.Errorf("%d of %d records came; %v", read, c.Count, why)
		}
		for _, fault := range fetches.Errors() {
			why = fault.Err
		}
		if isRecreated(why) {
			d.consumer.PurgeTopicsFromClient(c.Topic)
			d.consumer.AddConsumePartitions(map[string]map[int32]kgo.Offset{c.Topic: {c.Partition: kgo.NewOffset().AtStart()}})
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			if failed != nil {
				return
			}
			one := record{r.Offset, r.Timestamp.UnixMilli(), text(r.Key), text(r.Value), [][2]*string{}}
			for index := range r.Headers {
				one.Headers = append(one.Headers, [2]*string{&r.Headers[index].Key, text(r.Headers[index].Value)})
			}
			line, err := json.Marshal(one)
			if err == nil {
				_, err = out.Write(append(line, '\n'))
			}
			failed = err
			read++
		})
		if failed == nil {
			failed = out.Flush() // who waits for a first part of the records sees it
		}
		if failed != nil {
			return read, failed
		}
	}
	return read, nil
}

func version() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return module.Version
		}
	}
	return "of no known version"
}

func main() {
	d := &driver{bootstrap: os.Args[1], producers: map[string]*kgo.Client{}}
	say(map[string]any{"client": "franz-go " + version()})
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var c command
		err := json.Unmarshal(input.Bytes(), &c)
		if err == nil && c.Do == "produce" {
			err = d.produce(&c)
		} else if err == nil {
			err = d.consume(&c)
		}
		if err != nil {
			say(map[string]any{"error": err.Error()})
		}
	}
}
