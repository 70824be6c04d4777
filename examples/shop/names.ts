/** Names that tidemark's configuration knows the shop by; the shop itself knows nothing of tidemark's names. */
export const shopNames = { orders: 'shop-orders', inventory: 'shop-inventory', bus: 'shop' } as const;
