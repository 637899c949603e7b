-- SPDX-License-Identifier: Apache-2.0
-- One look at the log: its first entry, its last one, and the one at a revision, without their bodies.
--
-- KEYS  1 the stream
-- ARGV  1 the revision
-- Answer: {first, last, at the revision, mark of the last}, each {id, {field, value, ...}} or nil. The mark, a checksum
--         of it without its body, names a last entry that lacks what an entry is named by.

local function brief(entries)
	local entry = entries[1]
	if not entry then
		return false
	end
	local fields = {}
	for i = 1, #entry[2], 2 do
		if entry[2][i] ~= 'body' then
			fields[#fields + 1] = entry[2][i]
			fields[#fields + 1] = entry[2][i + 1]
		end
	end
	return {entry[1], fields}
end

local id = ARGV[1] .. '-0'
local last = brief(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1))
return {
	brief(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)),
	last,
	brief(redis.call('XRANGE', KEYS[1], id, id)),
	last and redis.sha1hex(last[1] .. '\0' .. table.concat(last[2], '\0')),
}
