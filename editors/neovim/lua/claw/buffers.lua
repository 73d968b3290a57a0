--- What begins with a server and with each buffer it is attached to.
local say = require('claw.say')
local M = {}

local group = vim.api.nvim_create_augroup('claw.buffers', {})

--- A server is there, the first or another: from now on the person's place, the progress and the questions are watched.
function M.started()
  vim.api.nvim_clear_autocmds({ group = group })
  require('claw.where').forget()
  vim.api.nvim_create_autocmd({ 'CursorMoved', 'CursorMovedI', 'ModeChanged', 'BufEnter', 'WinEnter', 'WinClosed' }, {
    group = group,
    callback = function()
      require('claw.where').moved()
    end,
  })
  vim.api.nvim_create_autocmd('LspProgress', {
    group = group,
    callback = say.safely('showing progress', function(event)
      local from = vim.lsp.get_client_by_id(event.data.client_id)
      if from and from.name == 'claw' then
        require('claw.status').progress(event.data.params)
      end
    end),
  })
  vim.api.nvim_create_autocmd('DiagnosticChanged', {
    group = group,
    callback = say.safely('showing changes', function(event)
      require('claw.hunks').diagnosed(event.buf)
    end),
  })
end

--- The server knows this buffer now.
function M.attached(bufnr, client)
  require('claw.save').seen(bufnr)
  require('claw.chat').attached(bufnr)
  require('claw.hunks').attached(bufnr, client)
  require('claw.where').moved()
end

return M
