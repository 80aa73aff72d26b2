// KafkaJS, which produces only: its consumers are members of groups. usage: node driver.js BOOTSTRAP
// ../README.md says what a driver reads and prints.
'use strict'

const fs = require('fs')
const readline = require('readline')
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs')
const snappy = require('snappyjs')
const lz4 = require('lz4-napi')
const { ZstdCodec } = require('zstd-codec')

const BATCH = 1000 // records of one send, which become one batch
const TYPES = {
  none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD
}

// KafkaJS has gzip of its own; for the others it takes what it is given. Its snappy has no blocks, as librdkafka's.
function plugCodecs (zstd) {
  const codec = compress => () => ({ compress: async encoder => Buffer.from(compress(encoder.buffer)) })
  CompressionCodecs[CompressionTypes.Snappy] = codec(snappy.compress)
  CompressionCodecs[CompressionTypes.LZ4] = codec(data => lz4.compressFrameSync(data))
  CompressionCodecs[CompressionTypes.ZSTD] = codec(data => zstd.compress(data))
}

const bytes = hex => hex === null ? null : Buffer.from(hex, 'hex')

function message (line, partition) {
  const record = JSON.parse(line)
  const headers = {}
  for (const [name, value] of record.headers) headers[name] = (headers[name] ?? []).concat(bytes(value))
  return { partition, key: bytes(record.key), value: bytes(record.value), headers, timestamp: String(record.timestamp) }
}

async function produce (producer, command) {
  const messages = fs.readFileSync(command.records, 'utf8').trimEnd().split('\n').map(line => message(line, command.partition))
  const offsets = []
  for (let at = 0; at < messages.length; at += BATCH) {
    const batch = messages.slice(at, at + BATCH)
    const [answer] = await producer.send({ topic: command.topic, acks: -1, compression: TYPES[command.codec], messages: batch })
    batch.forEach((_, index) => offsets.push(Number(answer.baseOffset) + index))
  }
  return offsets
}

const say = answer => process.stdout.write(JSON.stringify(answer) + '\n')

async function main (bootstrap) {
  plugCodecs(await new Promise(resolve => ZstdCodec.run(zstd => resolve(new zstd.Simple()))))
  const producer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).producer({ allowAutoTopicCreation: false })
  await producer.connect()
  say({ client: `KafkaJS ${require('kafkajs/package.json').version}` })
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line)
    if (command.do !== 'produce') say({ error: 'KafkaJS has no consumer without a group' })
    else await produce(producer, command).then(offsets => say({ offsets }), error => say({ error: String(error) }))
  }
  await producer.disconnect()
}

main(process.argv[2])
