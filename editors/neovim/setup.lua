-- claw-lsp in Neovim 0.11 or newer, by its plugin. `:help claw` says what there is to set and to press.
local claw = [[@FOLDER@]]
vim.opt.runtimepath:prepend(claw)
if vim.fn.filereadable(claw .. '/doc/tags') == 0 then
  pcall(vim.cmd.helptags, claw .. '/doc')
end
require('claw').setup({ cmd = { @CLAW@, 'serve' } })

vim.keymap.set({ 'n', 'x' }, '<leader>ca', vim.lsp.buf.code_action, { desc = 'Code actions, Claw among them' })
vim.keymap.set('n', '<leader>cc', '<Cmd>Claw chat<CR>', { desc = 'Claw: chat' })
