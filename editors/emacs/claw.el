;; With lsp-mode claw-lsp runs beside the language's own server, in every file.
(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection '(@CLAW@ "serve"))
                    :activation-fn (lambda (&rest _) t)
                    :add-on? t
                    :multi-root t
                    :priority -1
                    :server-id 'claw)))

;; eglot has one server for a buffer, so there claw-lsp stands in place of the language's own:
;; M-x claw-eglot in a buffer that eglot does not manage yet.
(defun claw-eglot ()
  "Let eglot talk to claw-lsp in this buffer, in place of the language's own server."
  (interactive)
  (require 'eglot)
  (let ((eglot-server-programs '(((prog-mode text-mode) . (@CLAW@ "serve")))))
    (call-interactively #'eglot)))
