--- `claw/save`: files reach the disk as if the person had written them, autocommands and all, hidden ones too.
local say = require('claw.say')
local M = {}

local known = {}
local group = vim.api.nvim_create_augroup('claw.save', {})

local function on_disk(bufnr)
  local stat = vim.uv.fs_stat(vim.api.nvim_buf_get_name(bufnr))
  return stat and ('%d.%d.%d'):format(stat.mtime.sec, stat.mtime.nsec, stat.size) or 'none'
end

--- Remember what the disk holds now: this buffer was read from it or written to it.
function M.seen(bufnr)
  if known[bufnr] then
    return
  end
  known[bufnr] = on_disk(bufnr)
  vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufWritePost', 'FileChangedShellPost' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      known[bufnr] = on_disk(bufnr)
    end,
  })
  vim.api.nvim_create_autocmd('BufDelete', {
    group = group,
    buffer = bufnr,
    callback = function()
      known[bufnr] = nil
      vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
    end,
  })
end

--- What a command or a hook of the agent's wrote on the disk is read into buffers that nobody changed, where 'autoread' lets us.
function M.reread()
  for bufnr, before in pairs(vim.o.autoread and known or {}) do
    if vim.api.nvim_buf_is_loaded(bufnr) and not vim.bo[bufnr].modified then
      local now = on_disk(bufnr)
      if now ~= before and now ~= 'none' then
        vim.cmd('silent! checktime ' .. bufnr)
      end
    end
  end
end

--- Write one buffer. Answers nil, or why it was not written.
function M.write(bufnr)
  local now = on_disk(bufnr)
  if now ~= 'none' and known[bufnr] and now ~= known[bufnr] then
    -- `:write` would stop everything and ask here, and its yes would lose what another program wrote.
    return 'it was changed on the disk since it was read; look at it with :checktime'
  end
  local ok, why = pcall(vim.api.nvim_buf_call, bufnr, function()
    vim.cmd((now == 'none' or vim.bo[bufnr].modified) and 'silent write ++p' or 'silent update')
  end)
  return not ok and tostring(why):gsub('^.-(E%d+:)', '%1') or nil
end

--- The request: `{saved, failed: {[uri] = why}}`.
function M.save(params)
  local answer = { saved = {}, failed = vim.empty_dict() }
  for _, uri in ipairs(params.uris or {}) do
    local path = vim.uri_to_fname(uri)
    local bufnr = vim.fn.bufexists(path) == 1 and vim.uri_to_bufnr(uri)
    local why = 'it is not open'
    if bufnr and vim.api.nvim_buf_is_loaded(bufnr) then
      why = M.write(bufnr)
    end
    if why then
      answer.failed[uri] = why
      say.once(('claw could not save %s: %s'):format(vim.fn.fnamemodify(path, ':~:.'), why), vim.log.levels.WARN)
    else
      table.insert(answer.saved, uri)
    end
  end
  return answer
end

return M
