#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A client of evauthd in Node, without any package: to use or to copy. proto/PROTOCOL.md explains every line.
//
//     node clients/node/evauth-client.js 04A1B2C3D4E5F6 'NL*EVC*E0001'
//     exit code: 0 allowed, 1 denied, 2 error, 3 ask the issuer
//
// It writes and reads the protobuf of Authorize by hand; with more methods, generate code from proto/evauth.proto.
'use strict';
const net = require('net');

const [REQUEST, STREAM_ITEM, AUTHORIZE, WATCH] = [1, 3, 1, 19];
const VERDICTS = { 1: 'ALLOWED', 3: 'ASK_ISSUER' }; // whatever else there may be one day is DENIED

// ---- protobuf: a field is a varint key (number << 3 | wire type), then a varint (0) or a size and bytes (2)
const varint = (n) => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
const bytes = (number, data) => [...varint((number << 3) | 2), ...varint(data.length), ...data];
const string = (number, text) => (text ? bytes(number, Buffer.from(text)) : []);
const number = (field, n) => (n ? [...varint(field << 3), ...varint(n)] : []);

function* fields(body) { // yields [field number, a number or a Buffer]
  let at = 0;
  const next = () => {
    let n = 0;
    for (let factor = 1, more = true; more; factor *= 128) { more = body[at] > 127; n += (body[at++] & 127) * factor; }
    return n;
  };
  while (at < body.length) {
    const key = next();
    if ((key & 7) === 0) yield [key >> 3, next()];
    else if ((key & 7) === 2) { const size = next(); yield [key >> 3, body.subarray(at, at += size)]; }
    else at += (key & 7) === 1 ? 8 : 4;
  }
}

// ---- one connection; any number of questions may be under way, answers are matched by request id
class EvauthClient {
  constructor(server = process.env.EVAUTH_SERVER || '127.0.0.1:7420') {
    const colon = server.lastIndexOf(':');
    const [host, port] = [server.slice(0, colon), server.slice(colon + 1)];
    this.socket = host === 'unix' ? net.connect(port) : net.connect(Number(port), host);
    Object.assign(this, { waiting: new Map(), lastId: 0, buffer: Buffer.alloc(0) });
    this.socket.on('data', (data) => this.receive(data));
    const fail = (error) => { for (const { reject } of this.waiting.values()) reject(error); this.waiting.clear(); };
    this.socket.on('error', fail).on('close', () => fail(new Error('evauthd closed the connection')));
  }

  call(method, body, onItem) {
    const id = (this.lastId = (this.lastId + 1) >>> 0);
    const header = Buffer.alloc(12);
    header.writeUInt32BE(8 + body.length, 0);
    header.writeUInt8((1 << 4) | REQUEST, 4);
    header.writeUInt16BE(method, 6);
    header.writeUInt32BE(id, 8);
    this.socket.write(Buffer.concat([header, Buffer.from(body)]));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject, onItem }));
  }

  receive(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    while (this.buffer.length >= 4 && this.buffer.length >= 4 + this.buffer.readUInt32BE(0)) {
      const size = 4 + this.buffer.readUInt32BE(0), frame = this.buffer.subarray(0, size);
      this.buffer = this.buffer.subarray(size);
      const id = frame.readUInt32BE(8), body = frame.subarray(12), waiting = this.waiting.get(id);
      if (!waiting) continue;
      if ((frame[4] & 15) === STREAM_ITEM) { waiting.onItem(body); continue; }
      this.waiting.delete(id);
      if (frame[5] === 0) waiting.resolve(body);
      else {
        const error = new Error(`status ${frame[5]}: ${new Map(fields(body)).get(2) || ''}`); // Error.message
        waiting.reject(Object.assign(error, { status: frame[5] }));
      }
    }
  }

  async authorize({ tokenUid, chargePointId, evseId, at }) {
    const body = [...string(1, tokenUid), ...string(4, chargePointId), ...string(5, evseId), ...number(6, at)];
    const answer = new Map(fields(await this.call(AUTHORIZE, body)));
    const text = (field) => (answer.get(field) || '').toString();
    return { verdict: VERDICTS[answer.get(1)] || 'DENIED', reason: answer.get(2), customerId: text(6),
      tariffId: text(9), validUntil: answer.get(11) || 0, revision: answer.get(12), ocpp16: text(14), ocpp2: text(15) };
  }

  // Calls onEvent({ revision, actor, time, changeSets }) for every change after that revision (0: from now on), as it
  // happens; changeSets are encoded messages, none in a sign of life. Rejects when the stream ends: watch again after
  // the last revision; after status 11 (OUT_OF_RANGE) take a snapshot first.
  watch(afterRevision, onEvent) {
    return this.call(WATCH, number(1, afterRevision), (body) => {
      const event = { revision: 0, actor: '', time: 0, changeSets: [] };
      for (const [field, value] of fields(body)) {
        if (field === 1) event.revision = value;
        else if (field === 2) event.changeSets.push(value);
        else if (field === 3) event.actor = value.toString();
        else if (field === 4) event.time = value;
      }
      onEvent(event);
    });
  }
}

module.exports = { EvauthClient };

if (require.main === module) {
  const [tokenUid, chargePointId] = process.argv.slice(2);
  const client = new EvauthClient();
  client.authorize({ tokenUid, chargePointId }).then((answer) => {
    console.log(`${answer.verdict} ${answer.ocpp16} ${answer.tariffId}`.trimEnd());
    process.exitCode = { ALLOWED: 0, ASK_ISSUER: 3 }[answer.verdict] ?? 1;
  }, (error) => {
    console.error(error.message);
    process.exitCode = 2;
  }).finally(() => client.socket.end());
}
