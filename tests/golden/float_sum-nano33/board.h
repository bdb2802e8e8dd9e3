// board.h: nano33, written by tinykit 0.0.0 from nano33.toml; do not edit.
#ifndef TK_BOARD_H
#define TK_BOARD_H

#define TK_BOARD_NAME  "nano33"
#define TK_CLOCK_HZ    64000000u
#define TK_DCDC        1
#define TK_UART_TX_PIN 35u // P1.03
#define TK_UART_RX_PIN 42u // P1.10
#define TK_UART_BAUD   115200

#endif
