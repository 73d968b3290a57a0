--- What setup{} takes, its defaults, and what is wrong with what was given.
local M = {}

M.defaults = {
  cmd = false,
  settings = {},
  root_markers = { '.git', '.claw', '.claude', 'CLAW.md', 'CLAUDE.md', 'AGENTS.md' },
  attach = function()
    return true
  end,
  keymaps = {
    next = ']h',
    previous = '[h',
    keep = '<leader>ck',
    revert = '<leader>cr',
    send = '<C-s>',
    apply = 'A',
    dismiss = 'D',
    close = 'q',
    next_file = ']f',
    previous_file = '[f',
  },
  chat = { split = 'right', size = 0.4, follow = true },
  signs = { open = '┃', conflict = '!', proposed = '+', question = '?' },
  virtual_text = true,
  progress = true,
}

M.splits = { 'right', 'left', 'above', 'below', 'tab', 'current' }

--- The options as they hold: those given over the defaults. A bad one is left out, and a sentence says why.
function M.read(given)
  local faults = {}
  local read = M._merged('', M.defaults, given == nil and {} or given, faults)
  M.current = read
  return read, faults
end

M.current = M.defaults

local function is_list_of_strings(value)
  return vim.islist(value) and #value > 0 and vim.iter(value):all(function(it)
    return type(it) == 'string'
  end)
end

local function is_string_or_false(value)
  return value == false or (type(value) == 'string' and value ~= '')
end

--- Options whose value is not simply of the type of its default: what is right, and how to say it.
local rules = {
  cmd = {
    'false, a program or a list like { "claw-lsp", "serve" }',
    function(value)
      return is_string_or_false(value) or is_list_of_strings(value)
    end,
  },
  root_markers = { 'a list of file names', is_list_of_strings },
  ['chat.split'] = {
    'one of ' .. table.concat(M.splits, ', '),
    function(value)
      return vim.list_contains(M.splits, value)
    end,
  },
  ['chat.size'] = {
    'a part of the screen between 0 and 1, or a number of columns or lines',
    function(value)
      return type(value) == 'number' and value > 0
    end,
  },
}
local key = { 'a key like "<leader>ck", or false for none', is_string_or_false }
local sign = {
  'one or two characters, or false for none',
  function(value)
    return value == false or (type(value) == 'string' and vim.fn.strdisplaywidth(value) <= 2 and value ~= '')
  end,
}

local function rule_of(path, default)
  if rules[path] then
    return rules[path]
  elseif vim.startswith(path, 'keymaps.') then
    return key
  elseif vim.startswith(path, 'signs.') then
    return sign
  end
  return {
    'a ' .. type(default),
    function(value)
      return type(value) == type(default)
    end,
  }
end

local function shown(value)
  return (vim.inspect(value):gsub('%s+', ' '))
end

--- A group may be `false` as a whole: then none of its keys or signs is used.
local function none_of(defaults)
  return vim.tbl_map(function()
    return false
  end, defaults)
end

function M._merged(path, defaults, given, faults)
  if type(given) ~= 'table' then
    local name = path == '' and 'setup' or path:sub(1, -2)
    table.insert(faults, ('%s: expected a table, found %s'):format(name, shown(given)))
    return vim.deepcopy(defaults)
  end
  local merged = vim.deepcopy(defaults)
  for name, value in vim.spairs(given) do
    local full = path .. tostring(name)
    local default = defaults[name]
    if default == nil then
      local known = table.concat(vim.fn.sort(vim.tbl_keys(defaults)), ', ')
      table.insert(faults, ('%s: there is no such option; there are %s'):format(full, known))
    elseif value == false and (full == 'keymaps' or full == 'signs') then
      merged[name] = none_of(default)
    elseif full == 'keymaps' or full == 'signs' or full == 'chat' then
      merged[name] = M._merged(full .. '.', default, value, faults)
    else
      local rule = rule_of(full, default)
      if rule[2](value) then
        merged[name] = value
      else
        table.insert(faults, ('%s: expected %s, found %s'):format(full, rule[1], shown(value)))
      end
    end
  end
  return merged
end

return M
