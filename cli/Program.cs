Console.WriteLine("brokkr");
