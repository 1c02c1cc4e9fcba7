// The official JavaScript SDK as a foreign peer.
//   node peer.mjs send URL MODE COUNT PREFIX   sends COUNT events in MODE (binary, structured) with the ids PREFIX-0, PREFIX-1, ...
//   node peer.mjs receive [REPLY_TYPE]         listens on a free port, prints it, then every event it gets as one line of JSON;
//                                              with REPLY_TYPE it answers with an event of that type
//   node peer.mjs decode MESSAGE               prints the event in a Kafka message: JSON with headers, key and value
//   node peer.mjs encode MODE ID               prints an event as a Kafka message in MODE
import http from "node:http";
import { CloudEvent, HTTP, Kafka, Mode, emitterFor, httpTransport } from "cloudevents";

const [verb, ...rest] = process.argv.slice(2);
if (verb === "send") await send(...rest);
else if (verb === "receive") receive(...rest);
else if (verb === "decode") decode(...rest);
else if (verb === "encode") encode(...rest);
else throw new Error(`unknown verb ${verb}`);

async function send(url, mode, count, prefix) {
  const emit = emitterFor(httpTransport(url), { mode: mode === "structured" ? Mode.STRUCTURED : Mode.BINARY });
  for (let i = 0; i < Number(count); i++) {
    await emit(
      new CloudEvent({
        id: `${prefix}-${i}`,
        source: "/js-sdk",
        type: "com.example.peer",
        subject: mode === "structured" ? "grüße" : "greetings",
        comexampleextension: `value-${i}`,
        data: { number: i, text: "Füße" },
      }),
    );
  }
  console.log(`sent ${count}`);
}

function receive(replyType) {
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      try {
        const event = HTTP.toEvent({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        event.validate();
        console.log("event " + JSON.stringify(event));
        if (!replyType) return response.writeHead(204).end();
        const reply = HTTP.binary(new CloudEvent({ id: `reply-${event.id}`, source: "/js-sdk", type: replyType, data: { to: event.id } }));
        response.writeHead(200, reply.headers).end(reply.body);
      } catch (error) {
        console.log("error " + error.message);
        response.writeHead(400).end();
      }
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
}

function decode(message) {
  const event = Kafka.toEvent(JSON.parse(message));
  event.validate();
  console.log("event " + JSON.stringify(event));
}

function encode(mode, id) {
  const event = new CloudEvent({
    id,
    source: "/js-sdk",
    type: "com.example.peer",
    subject: "grüße",
    partitionkey: "customer-7",
    datacontenttype: "application/json",
    data: { text: "Füße" },
  });
  const { headers, key, value } = mode === "structured" ? Kafka.structured(event) : Kafka.binary(event);
  console.log("message " + JSON.stringify({ headers, key, value: typeof value === "string" ? value : JSON.stringify(value) }));
}
