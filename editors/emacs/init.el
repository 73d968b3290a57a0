;; The coding agent claw-lsp. With lsp-mode it runs beside the language's own server, in every buffer where lsp-mode is on.
;; eglot has one server for a buffer: there M-x claw-eglot puts it in the place of the language's own.
(setq claw-program @CLAW@)
(load @SHIPPED:emacs/claw.el@ nil t)
;; C-c k RET the menu, C-c k c chat, C-c k s send, C-c k y answer a question; C-h v claw-command-map RET lists them all.
(global-set-key (kbd "C-c k") 'claw-command-map)
