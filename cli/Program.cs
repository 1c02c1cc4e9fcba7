using Brokkr.Cli;

return await Verbs.RunAsync(args);
