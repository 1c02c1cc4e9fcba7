using System.Globalization;
using Brokkr.Core.Log;

namespace Brokkr.Embedded.Storage;

/// <summary>
/// Keeps a data folder to one process. The operating system releases the lock when the process ends, however it ends, so there is never a stale one.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    private const string FileName = "brokkr.lock";

    /// <summary>Holds the process id. A file of its own, because a locked one cannot be read.</summary>
    private const string ProcessFileName = "brokkr.pid";

    private readonly FileStream _file;
    private readonly string _processFile;

    private FolderLock(FileStream file, string processFile)
    {
        _file = file;
        _processFile = processFile;
    }

    /// <summary>Takes the lock, creating the folder if it is missing.</summary>
    /// <exception cref="LogConfigurationException">Another process has it, or the folder cannot be written to.</exception>
    public static FolderLock Take(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LogConfigurationException($"the data folder {folder} cannot be created: {e.Message}", e);
        }

        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LogConfigurationException($"the data folder {folder} cannot be written to: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new LogConfigurationException(
                $"the data folder {folder} is in use by another process{Owner(folder)}: stop that process, or choose another data folder",
                e
            );
        }

        var processFile = Path.Combine(folder, ProcessFileName);
        try
        {
            File.WriteAllText(processFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk. The lock holds without it; whoever finds the folder locked is not told by which process.
            TryDelete(processFile);
        }

        return new FolderLock(file, processFile);
    }

    public void Dispose()
    {
        TryDelete(_processFile);
        _file.Dispose();
    }

    private static string Owner(string folder)
    {
        try
        {
            return int.TryParse(File.ReadAllText(Path.Combine(folder, ProcessFileName)), CultureInfo.InvariantCulture, out var process)
                ? string.Create(CultureInfo.InvariantCulture, $" (process {process})")
                : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The message does without the number.
            return "";
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is only for people; the next process that takes the lock writes it anew.
            return;
        }
    }
}
