--- `claw/diff`: before and after side by side in a tab page of their own, one file at a time, and away without a trace.
local calm = require('claw.calm')
local say = require('claw.say')
local M = {}

local function options()
  return require('claw.options').current
end

local function lines_of(text)
  local lines = vim.split(text or '', '\n')
  if lines[#lines] == '' then
    table.remove(lines)
  end
  return lines
end

local function scratch(text, name, path)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines_of(text))
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.bo[bufnr].modifiable = false
  pcall(vim.api.nvim_buf_set_name, bufnr, ('claw://%d/%s/%s'):format(bufnr, name, vim.fn.fnamemodify(path, ':t')))
  local filetype = vim.filetype.match({ filename = path })
  if filetype then
    -- The colours without the filetype: its plugins and servers have no business with a text that is no file.
    local language = vim.treesitter.language.get_lang(filetype) or filetype
    if not pcall(vim.treesitter.start, bufnr, language) then
      vim.bo[bufnr].syntax = filetype
    end
  end
  return bufnr
end

local function bar(view)
  local keys = options().keymaps
  local file = view.files[view.at]
  local parts = { view.title, vim.fn.fnamemodify(vim.uri_to_fname(file.uri), ':~:.') }
  if #view.files > 1 then
    local turn = (keys.previous_file or '') .. ' ' .. (keys.next_file or '')
    parts[2] = ('%s (%d of %d, %s)'):format(parts[2], view.at, #view.files, vim.trim(turn))
  end
  if view.proposal then
    table.insert(parts, keys.apply and keys.apply .. ' apply' or nil)
    table.insert(parts, keys.dismiss and keys.dismiss .. ' dismiss' or nil)
  end
  table.insert(parts, keys.close and keys.close .. ' close' or nil)
  return (table.concat(parts, ' · '):gsub('%s*\n%s*', ' '):gsub('%%', '%%%%'))
end

function M._close(view)
  if vim.api.nvim_tabpage_is_valid(view.tab) then
    if #vim.api.nvim_list_tabpages() > 1 then
      vim.cmd.tabclose({ args = { tostring(vim.api.nvim_tabpage_get_number(view.tab)) } })
    end
    if vim.api.nvim_tabpage_is_valid(view.home) then
      vim.api.nvim_set_current_tabpage(view.home)
    end
  end
end

local function settle(view, name)
  require('claw.send').command(name, { prompt_id = view.prompt_id }, function(answer)
    M._close(view)
    require('claw.send').tell(answer)
  end)
end

local function map(view, bufnr)
  local does = {
    close = { 'Close the difference', M._close },
    next_file = #view.files > 1 and {
      'Next file of the difference',
      function()
        M._turn(view, 1)
      end,
    },
    previous_file = #view.files > 1 and {
      'Previous file of the difference',
      function()
        M._turn(view, -1)
      end,
    },
    apply = view.proposal and {
      'Apply what Claw proposes',
      function()
        settle(view, 'apply')
      end,
    },
    dismiss = view.proposal and {
      'Dismiss what Claw proposes',
      function()
        settle(view, 'dismiss')
      end,
    },
  }
  for name, it in pairs(does) do
    local key = options().keymaps[name]
    if key and it then
      vim.keymap.set('n', key, say.safely(it[1], function()
        it[2](view)
      end), { buffer = bufnr, desc = it[1], nowait = true })
    end
  end
end

--- Put the file that is looked at into both windows.
function M._fill(view)
  local file = view.files[view.at]
  local path = vim.uri_to_fname(file.uri)
  for n, name in ipairs({ 'before', 'after' }) do
    local bufnr = scratch(file[name], name, path)
    map(view, bufnr)
    local window = view.windows[n]
    vim.api.nvim_win_set_buf(window, bufnr)
    vim.api.nvim_win_call(window, function()
      vim.cmd('diffthis')
    end)
    vim.wo[window][0].winbar = n == 1 and 'before' or bar(view)
  end
  vim.api.nvim_win_call(view.windows[2], function()
    vim.cmd('silent! normal! gg]c')
  end)
end

function M._turn(view, by)
  view.at = (view.at - 1 + by) % #view.files + 1
  M._fill(view)
end

local function open(params)
  local view = {
    title = params.title,
    proposal = params.proposal,
    prompt_id = params.prompt_id,
    files = params.files,
    at = 1,
    home = vim.api.nvim_get_current_tabpage(),
  }
  vim.cmd('tab split')
  view.tab = vim.api.nvim_get_current_tabpage()
  vim.cmd('vertical rightbelow split')
  view.windows = vim.api.nvim_tabpage_list_wins(view.tab)
  M._fill(view)
  vim.api.nvim_set_current_win(view.windows[2])
end

--- In a coroutine: true once it is shown, which waits while the person types.
function M.show(params)
  if #(params.files or {}) == 0 then
    return false
  end
  return calm.answer(true, function(answer)
    open(params)
    answer(true)
  end)
end

return M
