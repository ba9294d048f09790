// The suites that need VS Code, in the order in which a person would meet what they test.
import './language.suite.ts';
import './configuration.suite.ts';
import './debug.suite.ts';
