// Runes everywhere, so that a component's state is visible in its text.
export default {
  compilerOptions: { runes: ({ filename }) => (filename.includes('node_modules') ? undefined : true) },
};
