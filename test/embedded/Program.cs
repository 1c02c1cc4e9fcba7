using Brokkr.Embedded.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// Tests start this program again as another process: one that is killed while it appends, or one that has the folder open.
return args switch
{
    [AppendingProcess.Verb, var folder] => await AppendingProcess.RunAsync(folder),
    [HoldingProcess.Verb, var folder] => await HoldingProcess.RunAsync(folder),
    _ when args.Contains("--server") || args.Contains("--internal-msbuild-node") => await TestPlatformTestFramework.RunAsync(
        args,
        SelfRegisteredExtensions.AddSelfRegisteredExtensions
    ),
    _ => await ConsoleRunner.Run(args),
};
