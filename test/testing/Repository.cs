namespace Brokkr.Testing;

/// <summary>Where things lie in the checkout that the running tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder of <c>Brokkr.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary><c>debug</c> or <c>release</c>: what the running tests were built as.</summary>
    public static string Configuration { get; } =
        Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)).Split('_')[0];

    /// <summary>The built program. A test project that runs it references <c>cli</c>, so that it is built first.</summary>
    public static string Program { get; } = Path.Combine(Root, "artifacts", "bin", "Brokkr.Cli", Configuration, "brokkr");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Brokkr.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No Brokkr.slnx above {AppContext.BaseDirectory}.");
    }
}
