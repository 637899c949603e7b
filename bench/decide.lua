-- SPDX-License-Identifier: Apache-2.0
-- The decision of evauthd (DESIGN 1.2; the numbers are its lines) in redis-server, for `evauth-bench compare`:
-- EVALSHA with at most five redis.call. Answers "VERDICT TARIFF" or "DENIED".
--
-- Flags that are off, and what is empty, are not stored. ids are stored and asked in their compare form, but for uids.
--   point:ID                       group; empty when the point is in none
--   evse:ID                        hash: point, group
--   group:ID                       hash: tariff, prepaid_tariff, open_to_all, open_to_roaming, user_group
--   token:UID, token:ISSUER:UID    hash: type, customer, blocked, valid_from, valid_until, roaming, whitelist; under the
--                                  uid alone lies the token that is meant when no issuer is named: own before foreign
--   customer:ID                    hash: payment, user_group, blocked, no_credit
--   members:GROUP                  hash: customer -> tariff; empty for the group's
local uid, token_type, issuer, point, evse, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local AD_HOC_USER, ALWAYS, ALLOWED = '3', '1', '2'

local group_id
if evse == '' then
	group_id = redis.call('GET', 'point:' .. point)
else
	local found = redis.call('HMGET', 'evse:' .. evse, 'point', 'group')
	group_id = (point == '' or point == found[1]) and found[2]
end
if not group_id or group_id == '' then -- 1, 2
	return 'DENIED'
end

local group = redis.call('HMGET', 'group:' .. group_id, 'tariff', 'prepaid_tariff', 'open_to_all', 'open_to_roaming',
	'user_group')
local tariff, prepaid_tariff, open_to_all, open_to_roaming = group[1], group[2], group[3], group[4]

local token = {}
if uid ~= '' then
	local key = issuer == '' and 'token:' or 'token:' .. issuer .. ':'
	token = redis.call('HMGET', key .. string.upper(uid), 'type', 'customer', 'blocked', 'valid_from', 'valid_until',
		'roaming', 'whitelist')
end
if not token[1] or (token_type ~= '0' and token_type ~= token[1]) then -- 3, 4
	if not open_to_roaming then
		return 'DENIED'
	elseif token_type == AD_HOC_USER and issuer == '' and not token[1] then
		return 'ALLOWED ' .. (prepaid_tariff or tariff)
	end
	return 'ASK_ISSUER ' .. tariff
end

local is_valid = not token[3] and (not token[4] or now >= tonumber(token[4])) and
	(not token[5] or now < tonumber(token[5])) -- 5-7
local customer_id = token[2]
if not customer_id then -- 17-22
	local whitelist = token[7]
	if not open_to_roaming or (whitelist == ALWAYS and not is_valid) then
		return 'DENIED'
	elseif is_valid and (whitelist == ALWAYS or whitelist == ALLOWED) then
		return 'ALLOWED ' .. tariff
	end
	return 'ASK_ISSUER ' .. tariff
end
if not is_valid then
	return 'DENIED'
end

local customer = redis.call('HMGET', 'customer:' .. customer_id, 'payment', 'user_group', 'blocked', 'no_credit')
if customer[3] then -- 8
	return 'DENIED'
end
local override = redis.call('HGET', 'members:' .. group_id, customer_id)
if not override then -- 10-14
	if customer[2] == group[5] then
		if not open_to_all and not open_to_roaming then
			return 'DENIED'
		end
	elseif not open_to_roaming or not token[6] then
		return 'DENIED'
	end
end
if customer[4] then -- 15
	return 'DENIED'
end
if override and override ~= '' then
	tariff = override
elseif customer[1] == 'PREPAID' and prepaid_tariff then
	tariff = prepaid_tariff
end
return 'ALLOWED ' .. tariff
