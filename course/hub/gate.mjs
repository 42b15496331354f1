// Loaded into the hub's proxy before it starts: only the owner's browser gets through to a server, and connections to
// Unix sockets are kept.
//
// All servers share one origin with the hub and the desk, and a student's server may answer whatever its owner likes.
// A teacher who follows a link to it would run the student's script with the teacher's rights. So a request below
// /user/<name>/ must carry the cookie that the hub gave to this very user at the log-in (course/hub/proxy.py), or a
// token in its header, which no link and no form can put there. All others are told that there is nothing.

import crypto from "node:crypto";
import path from "node:path";
import { pathToFileURL } from "node:url";

const library = path.join(path.dirname(process.argv[1]), "..", "lib", "configproxy.js");
const { ConfigurableProxy } = await import(pathToFileURL(library).href);

const COOKIE = "crm-owner";
const key = process.env.CONFIGPROXY_AUTH_TOKEN;

function same(one, other) {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && crypto.timingSafeEqual(first, second);
}

function isOwner(request, name) {
  const mark = crypto.createHmac("sha256", key).update(`owner:${name}`).digest("hex");
  const cookies = (request.headers.cookie || "").split(";").map((pair) => pair.trim());
  return cookies.some((pair) => pair.startsWith(`${COOKIE}=`) && same(pair.slice(COOKIE.length + 1), mark));
}

const targetForReq = ConfigurableProxy.prototype.targetForReq;

ConfigurableProxy.prototype.targetForReq = async function (request) {
  const found = await targetForReq.call(this, request);
  const owner = /^\/user\/([^/]+)/.exec(found?.prefix ?? "");
  const hasToken = /^(token|bearer) /i.test(request.headers.authorization || "");
  return !owner || hasToken || isOwner(request, decodeURIComponent(owner[1])) ? found : undefined;
};

// The library opens a new connection to a Unix socket for each request, and has the other side close it after the
// answer. Node flushes once more after a request's body; a hub that has answered and closed by then turns a good answer
// into 503 (EPIPE), about once in 2,000 forms. TCP targets have this agent already.
const proxyOptsForTarget = ConfigurableProxy.prototype.proxyOptsForTarget;

ConfigurableProxy.prototype.proxyOptsForTarget = function (target) {
  const options = proxyOptsForTarget.call(this, target);
  return options.target.socketPath ? { ...options, agent: this.httpAgent } : options;
};
