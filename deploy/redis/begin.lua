-- SPDX-License-Identifier: Apache-2.0
-- Opens a history: afterwards the stream is one base entry. Only if the stream is as expected: without any entry, or
-- with the last entry that was seen (an operator adopts a state, the entries before are given up).
--
-- KEYS  1 the stream
-- ARGV  1 the channel to publish the revision on   2 the entry's revision
--       3 the revision, 4 the epoch and 5 the nonce that the last entry must have; all empty: there must be none;
--       `damaged`, its mark (head.lua) and nothing: it must be that one
--       6... the entry's fields and values
-- Answer: {1}, or {0, the last entry without its body: {id, {field, value, ...}}, or nil if there is none}.

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local values, fields = {}, {}
if last then
	for i = 1, #last[2], 2 do
		local name, value = last[2][i], last[2][i + 1]
		values[name] = value
		if name ~= 'body' then
			fields[#fields + 1] = name
			fields[#fields + 1] = value
		end
	end
end

local as_expected
if ARGV[3] == '' then
	as_expected = not last
elseif ARGV[3] == 'damaged' then
	as_expected = last and redis.sha1hex(last[1] .. '\0' .. table.concat(fields, '\0')) == ARGV[4]
else
	as_expected = last and last[1] == ARGV[3] .. '-0' and values.epoch == ARGV[4] and values.nonce == ARGV[5]
end
if not as_expected then
	return {0, last and {last[1], fields} or false}
end

redis.call('PUBLISH', ARGV[1], ARGV[2])
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[1], ARGV[2] .. '-0', unpack(ARGV, 6))
return {1}
