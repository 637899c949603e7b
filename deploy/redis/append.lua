-- SPDX-License-Identifier: Apache-2.0
-- Appends an entry, if the last one is still the one it was made to follow.
--
-- KEYS  1 the stream
-- ARGV  1 the channel to publish the revision on   2 the entry's revision   3 about how many entries the stream keeps
--       4 the revision, 5 the epoch and 6 the nonce that the last entry must have
--       7... the entry's fields and values
-- Answer: {1}, or {0, the last entry without its body: {id, {field, value, ...}}, or nil if there is none}.

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not last then
	return {0, false}
end

local values, fields = {}, {}
for i = 1, #last[2], 2 do
	local name, value = last[2][i], last[2][i + 1]
	values[name] = value
	if name ~= 'body' then
		fields[#fields + 1] = name
		fields[#fields + 1] = value
	end
end
if last[1] ~= ARGV[4] .. '-0' or values.epoch ~= ARGV[5] or values.nonce ~= ARGV[6] then
	return {0, {last[1], fields}}
end

-- Nobody hears it before this script is over. It comes first: who may not publish shall not have appended.
redis.call('PUBLISH', ARGV[1], ARGV[2])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], ARGV[2] .. '-0', unpack(ARGV, 7))
return {1}
