// Loads that other clients do not offer, over franz-go. Prints one JSON object.
//
//	franz-go requests BOOTSTRAP TOPIC [-connections 50] [-in-flight 5] [-acks 1] [-partitions 1] [-size 100] [-seconds 5]
//	    Produce requests of one record each, so many unanswered on each connection; connection i writes to partition i.
//	franz-go fan-out BOOTSTRAP TOPIC [-consumers 10] [-rate 1000] [-size 1024] [-seconds 5]
//	    one producer at a fixed rate, open loop, and consumers that each read everything; latency from when it was due.
//	franz-go keyed BOOTSTRAP TOPIC [-records 100000] [-keys 50000] [-size 1024]
//	    records whose keys are each named records/keys times.
//	franz-go create BOOTSTRAP PREFIX [-topics 10] [-partitions 1000]
//	    topics PREFIX-0 and on, one after the other.
//	franz-go await BOOTSTRAP TOPIC [-partitions 8] [-since UNIX_NANOSECONDS]
//	    seconds from then until a record was acknowledged by the first and by every partition.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	connections = flag.Int("connections", 50, "")
	inFlight    = flag.Int("in-flight", 5, "")
	acks        = flag.Int("acks", 1, "")
	partitions  = flag.Int("partitions", 1, "")
	size        = flag.Int("size", 100, "")
	seconds     = flag.Float64("seconds", 5, "")
	consumers   = flag.Int("consumers", 10, "")
	rate        = flag.Int("rate", 1000, "")
	records     = flag.Int("records", 100_000, "")
	keys        = flag.Int("keys", 50_000, "")
	topics      = flag.Int("topics", 10, "")
	since       = flag.Int64("since", time.Now().UnixNano(), "")
)

func must[T any](value T, err error) T {
	if err != nil {
		fail(err)
	}
	return value
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func newClient(bootstrap string, options ...kgo.Opt) *kgo.Client {
	return must(kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap)}, options...)...))
}

func noise(size int) []byte {
	value := make([]byte, size)
	rand.New(rand.NewSource(1)).Read(value[:size/2])
	return value
}

// A batch of one record, as a producer without idempotence writes it.
func oneRecord(value []byte) []byte {
	record := []byte{0, 0, 0, 1} // attributes, timestamp delta, offset delta, no key
	record = binary.AppendVarint(record, int64(len(value)))
	record = append(append(record, value...), 0) // no headers
	body := append(binary.AppendVarint(nil, int64(len(record))), record...)

	now := uint64(time.Now().UnixMilli())
	covered := binary.BigEndian.AppendUint16(nil, 0)                                          // attributes
	covered = binary.BigEndian.AppendUint32(covered, 0)                                       // last offset delta
	covered = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(covered, now), now) // first, max timestamp
	covered = append(covered, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255)
	covered = append(binary.BigEndian.AppendUint32(covered, 1), body...)

	batch := binary.BigEndian.AppendUint64(nil, 0)
	batch = binary.BigEndian.AppendUint32(batch, uint32(9+len(covered)))
	batch = append(batch, 255, 255, 255, 255, 2) // leader epoch, magic
	batch = binary.BigEndian.AppendUint32(batch, crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli)))
	return append(batch, covered...)
}

func produceRequest(topic string, id [16]byte, partition int32, batch []byte) *kmsg.ProduceRequest {
	request := kmsg.NewPtrProduceRequest()
	request.Acks = int16(*acks)
	request.TimeoutMillis = 30_000
	named := kmsg.NewProduceRequestTopic()
	named.Topic, named.TopicID = topic, id
	part := kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = partition, batch
	named.Partitions = append(named.Partitions, part)
	request.Topics = append(request.Topics, named)
	return request
}

func refusal(answer kmsg.Response) error {
	for _, topic := range answer.(*kmsg.ProduceResponse).Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

func topicID(client *kgo.Client, topic string) [16]byte {
	request := kmsg.NewPtrMetadataRequest()
	named := kmsg.NewMetadataRequestTopic()
	named.Topic = kmsg.StringPtr(topic)
	request.Topics = append(request.Topics, named)
	answer := must(request.RequestWith(context.Background(), client))
	check(kerr.ErrorForCode(answer.Topics[0].ErrorCode))
	return answer.Topics[0].TopicID
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func micros(sorted []time.Duration, quantile float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(float64(len(sorted))*quantile))].Nanoseconds()) / 1000
}

func requests(bootstrap, topic string) map[string]any {
	ctx := context.Background()
	var lock sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	clients := make([]*kgo.Client, *connections)
	for i := range clients {
		clients[i] = newClient(bootstrap)
	}
	id := topicID(clients[0], topic)
	broker := int(must(clients[0].Request(ctx, kmsg.NewPtrMetadataRequest())).(*kmsg.MetadataResponse).Brokers[0].NodeID)
	batch := oneRecord(noise(*size))
	for i, client := range clients { // each connection and each leader is there before the clock runs
		for tryOnce(ctx, client, topic, int32(i%*partitions), batch) != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
	begin := time.Now()
	end := begin.Add(time.Duration(*seconds * float64(time.Second)))
	for i, client := range clients {
		for range *inFlight {
			group.Add(1)
			go func() {
				defer group.Done()
				var own []time.Duration
				for now := time.Now(); now.Before(end); now = time.Now() {
					check(refusal(must(client.Broker(broker).Request(ctx, produceRequest(topic, id, int32(i%*partitions), batch)))))
					own = append(own, time.Since(now))
				}
				lock.Lock()
				defer lock.Unlock()
				all = append(all, own...)
			}()
		}
	}
	group.Wait()
	took := time.Since(begin).Seconds()
	slices.Sort(all)
	return map[string]any{"requests": len(all), "seconds": took, "p50_us": micros(all, 0.5), "p99_us": micros(all, 0.99)}
}

func fanOut(bootstrap, topic string) map[string]any {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	count := int(*seconds * float64(*rate))
	var lock sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	var ready atomic.Int32
	for range *consumers {
		group.Add(1)
		client := newClient(bootstrap, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
			kgo.FetchMaxWait(500*time.Millisecond), kgo.FetchMinBytes(1))
		go func() {
			defer group.Done()
			defer client.Close()
			var own []time.Duration
			for seen := 0; seen < count+1; {
				fetches := client.PollFetches(ctx)
				if err := fetches.Err0(); err != nil {
					fail(err)
				}
				now := time.Now().UnixNano()
				fetches.EachRecord(func(record *kgo.Record) {
					if seen++; seen == 1 {
						ready.Add(1) // the first record only says that this one reads
					} else if seen > count/10 {
						own = append(own, time.Duration(now-int64(binary.BigEndian.Uint64(record.Value))))
					}
				})
			}
			lock.Lock()
			defer lock.Unlock()
			all = append(all, own...)
		}()
	}
	producer := newClient(bootstrap, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	check(producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: noise(*size)}).FirstErr())
	for int(ready.Load()) < *consumers {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	for i := range count {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(*rate))
		time.Sleep(time.Until(due))
		value := noise(*size)
		binary.BigEndian.PutUint64(value, uint64(due.UnixNano()))
		producer.Produce(ctx, &kgo.Record{Topic: topic, Value: value}, func(_ *kgo.Record, err error) { check(err) })
	}
	group.Wait()
	slices.Sort(all)
	return map[string]any{"delivered_bytes": (count + 1) * *size * *consumers, "seconds": time.Since(start).Seconds(),
		"p50_us": micros(all, 0.5), "p99_us": micros(all, 0.99)}
}

func keyed(bootstrap, topic string) map[string]any {
	ctx := context.Background()
	client := newClient(bootstrap, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond),
		kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(), kgo.ProducerBatchMaxBytes(256<<10),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := noise(*size)
	for i := range *records {
		key := fmt.Sprintf("key-%09d", i%*keys)
		client.Produce(ctx, &kgo.Record{Topic: topic, Key: []byte(key), Value: value}, func(_ *kgo.Record, err error) { check(err) })
	}
	check(client.Flush(ctx))
	return map[string]any{"records": *records}
}

func create(bootstrap, prefix string) map[string]any {
	client := newClient(bootstrap)
	begin := time.Now()
	for number := range *topics {
		request := kmsg.NewPtrCreateTopicsRequest()
		request.TimeoutMillis = 600_000
		named := kmsg.NewCreateTopicsRequestTopic()
		named.Topic, named.NumPartitions, named.ReplicationFactor = fmt.Sprintf("%s-%d", prefix, number), int32(*partitions), 1
		request.Topics = append(request.Topics, named)
		answer := must(request.RequestWith(context.Background(), client))
		check(kerr.ErrorForCode(answer.Topics[0].ErrorCode))
	}
	return map[string]any{"seconds": time.Since(begin).Seconds()}
}

// Every partition is asked again and again, every 2 ms, whatever the refusal was.
func await(bootstrap, topic string) map[string]any {
	const patience = 10 * time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	times := make([]float64, *partitions)
	var group sync.WaitGroup
	for i := range times {
		group.Add(1)
		go func() {
			defer group.Done()
			client := newClient(bootstrap, kgo.DialTimeout(time.Second), kgo.RequestRetries(0), kgo.MetadataMinAge(10*time.Millisecond),
				kgo.RetryBackoffFn(func(int) time.Duration { return 2 * time.Millisecond }))
			defer client.Close()
			batch := oneRecord(noise(*size))
			for {
				if err := tryOnce(ctx, client, topic, int32(i), batch); err == nil {
					break
				} else if ctx.Err() != nil {
					fail(err)
				}
				time.Sleep(2 * time.Millisecond)
			}
			times[i] = time.Since(time.Unix(0, *since)).Seconds()
		}()
	}
	group.Wait()
	return map[string]any{"first_s": slices.Min(times), "all_s": slices.Max(times)}
}

func tryOnce(ctx context.Context, client *kgo.Client, topic string, partition int32, batch []byte) error {
	request := kmsg.NewPtrMetadataRequest()
	named := kmsg.NewMetadataRequestTopic()
	named.Topic = kmsg.StringPtr(topic)
	request.Topics = append(request.Topics, named)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(answer.Topics[0].ErrorCode); err != nil {
		return err
	}
	stored, err := client.Broker(int(answer.Brokers[0].NodeID)).Request(ctx,
		produceRequest(topic, answer.Topics[0].TopicID, partition, batch))
	if err != nil {
		return err
	}
	return refusal(stored)
}

func main() {
	loads := map[string]func(string, string) map[string]any{"requests": requests, "fan-out": fanOut, "keyed": keyed, "await": await, "create": create}
	if len(os.Args) < 4 || loads[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: franz-go requests|fan-out|keyed|await|create BOOTSTRAP TOPIC [FLAGS]")
		os.Exit(2)
	}
	check(flag.CommandLine.Parse(os.Args[4:]))
	fmt.Println(string(must(json.Marshal(loads[os.Args[1]](os.Args[2], os.Args[3])))))
}
